// The operator's page: how events flow at this moment, what is wrong and what to do about it. Who may see it is decided by
// the server at every question; here are the words for when it says no.

import { createMemo, For, Match, Show, Switch } from 'solid-js';
import { refresh, viewer, wasSignedIn } from '../api/auth';
import { Icon } from '../components/icon';
import { Drops } from './drops';
import { Figures } from './figures';
import { Gate } from './gate';
import { behindMs, type Problem, problems } from './health';
import { JobsStage, jobName } from './jobs';
import { LearnerPanel } from './learner';
import { createLive, type Live } from './live';
import { am } from './messages';
import { rememberOperator } from './operator';
import { createPoll, type Poll } from './poll';
import { DoorStage, LogStage, StoresStage } from './stages';
import { type Flow, flowGet } from './wire';
import './flow.css';
import './tables.css';

/** A page that is opened by its address comes before the session is renewed; as a guest it would only hear no. */
async function ask(signal: AbortSignal): Promise<Flow> {
  if (!viewer() && wasSignedIn()) await refresh();
  return flowGet(signal);
}

export default function FlowPage() {
  const source = createLive();
  const poll = createPoll<Flow>(ask, (flow) => {
    source.take(flow);
    rememberOperator();
  });
  return (
    <div class="page flow">
      <Gate error={poll.error()} again={() => poll.again()} ready={source.live() !== undefined}>
        <Show when={source.live()}>{(live) => <FlowNow live={live()} poll={poll} />}</Show>
      </Gate>
    </div>
  );
}

function FlowNow(props: { live: Live; poll: Poll }) {
  const { live } = props;
  const found = createMemo(() => problems(live.history()));
  const levelOf = (stage: Problem['stage']) => found().find((problem) => problem.stage === stage)?.level;
  return (
    <>
      <Header live={live} poll={props.poll} problems={found()} />
      <Problems problems={found()} />
      <ol class="flow-stages">
        <DoorStage live={live} level={levelOf('door')} />
        <LogStage live={live} level={levelOf('log')} />
        <JobsStage live={live} level={levelOf('jobs')} problems={found()} />
        <StoresStage live={live} level={levelOf('stores')} />
      </ol>
      <LearnerPanel live={live} />
      <Drops live={live} />
      <Figures />
    </>
  );
}

function Header(props: { live: Live; poll: Poll; problems: Problem[] }) {
  const { live, poll } = props;
  const uptime = () => am.uptime(live.flow().atMs - live.flow().startedAtMs);
  return (
    <header class="flow__head">
      <div>
        <h1 class="page__title">{am.title}</h1>
        <p class="page__lead">{summary(live, props.problems)}</p>
      </div>
      <div class="flow__controls">
        <p class="flow-pulse" classList={{ 'is-live': !poll.paused() && poll.failures() === 0 }}>
          <span class="flow-pulse__dot" aria-hidden="true" />
          <PulseWords poll={poll} />
          <span class="flow-pulse__uptime">{uptime()}</span>
        </p>
        <button
          type="button"
          class="button"
          aria-pressed={poll.paused()}
          onClick={() => poll.setPaused(!poll.paused())}
        >
          <Icon name={poll.paused() ? 'play' : 'pause'} size={16} filled={poll.paused()} />
          {poll.paused() ? am.resume : am.pause}
        </button>
      </div>
    </header>
  );
}

function PulseWords(props: { poll: Poll }) {
  return (
    <span role="status">
      <Switch fallback={am.live}>
        <Match when={props.poll.paused()}>{am.paused}</Match>
        <Match when={props.poll.failures() > 1}>{am.silent}</Match>
      </Switch>
    </span>
  );
}

/** The state of the house in one sentence. */
function summary(live: Live, found: Problem[]): string {
  const bad = found.filter((problem) => problem.level === 'bad').length;
  if (bad > 0) return am.wrong(bad);
  if (found.length > 0) return am.watch(found.length);
  const rate = live.rate((flow) => flow.door.accepted) ?? 0;
  const behind = live.flow().jobs.map((job) => behindMs(live.history(), job) ?? 0);
  const slowest = Math.max(0, ...behind.filter(Number.isFinite));
  return `${am.well}. ${rate > 0 ? am.wellText(am.number(rate), slowest) : am.quietText}`;
}

function Problems(props: { problems: Problem[] }) {
  const keyOf = (problem: Problem) => `${problem.id} ${problem.job ?? ''}`;
  const byKey = createMemo(() => new Map(props.problems.map((problem) => [keyOf(problem), problem])));
  const keys = createMemo(() => [...byKey().keys()], [], { equals: (a, b) => a.join() === b.join() });
  return (
    // Announced when a problem comes or goes, not at each change of its number.
    <div aria-live="polite" aria-relevant="additions">
      <Show when={keys().length > 0}>
        <ul class="flow-problems">
          <For each={keys()}>
            {(key) => <Show when={byKey().get(key)}>{(problem) => <ProblemCard problem={problem()} />}</Show>}
          </For>
        </ul>
      </Show>
    </div>
  );
}

function ProblemCard(props: { problem: Problem }) {
  const words = () => am.problems[props.problem.id](props.problem, jobName(props.problem.job ?? ''));
  return (
    <li class={`flow-problem flow-problem--${props.problem.level}`} data-problem={props.problem.id}>
      <span class="flow-problem__mark" aria-hidden="true">
        <Icon name="flag" size={18} />
      </span>
      <div>
        <p class="flow-problem__title">{words().title}</p>
        <p class="flow-problem__text">{words().text}</p>
      </div>
    </li>
  );
}
