// The stage of the stream jobs: a row for each, how far it is, and behind the row everything else that is known about it.

import { createMemo, createSignal, For, Show } from 'solid-js';
import { toast, toastError } from '../state/toasts';
import { behindMs, jobOf, type Problem } from './health';
import type { Live } from './live';
import { am, named } from './messages';
import { Fact, Line, StageCard, shown } from './parts';
import { checkpointAsk, type Job } from './wire';

type Level = 'bad' | 'warn' | undefined;

export const jobName = (job: string): string => named(am.jobs.names, job);

export function JobsStage(props: { live: Live; level: Level; problems: Problem[] }) {
  const names = createMemo(() => props.live.flow().jobs.map((job) => job.job), [], {
    equals: (a, b) => a.join() === b.join(),
  });
  const read = () => props.live.rate((flow) => flow.jobs.reduce((sum, job) => sum + job.records, 0));
  return (
    <StageCard stage="jobs" level={props.level} flows={read()}>
      <Show when={names().length > 0} fallback={<p class="flow-stage__hint">{am.jobs.none}</p>}>
        <ul class="flow-jobs">
          <For each={names()}>
            {(name) => (
              <JobRow
                live={props.live}
                name={name}
                level={props.problems.find((problem) => problem.job === name)?.level}
              />
            )}
          </For>
        </ul>
      </Show>
    </StageCard>
  );
}

function JobRow(props: { live: Live; name: string; level: Level }) {
  const { live, name } = props;
  const [open, setOpen] = createSignal(false);
  const job = createMemo<Job | undefined>((last) => jobOf(live.flow(), name) ?? last);
  const records = (flow: Parameters<typeof jobOf>[0]) => jobOf(flow, name)?.records;
  const points = createMemo(() => live.rates(records));
  return (
    <Show when={job()}>
      {(job) => (
        <li
          class="flow-job"
          classList={{ 'is-bad': props.level === 'bad', 'is-warn': props.level === 'warn' }}
        >
          <details onToggle={(event) => setOpen(event.currentTarget.open)}>
            <summary class="flow-job__row">
              <span class="flow-job__head">
                <span class="flow-job__name">{jobName(name)}</span>
                <span class="flow-job__lag">{lagWords(live, job())}</span>
              </span>
              <span class="flow-job__rate">
                {shown(live.rate(records))}
                <span class="flow-job__unit">{am.perSecond}</span>
              </span>
              <Line live={live} points={points()} what={jobName(name)} />
            </summary>
            <Show when={open()}>
              <JobFacts live={live} job={job()} />
            </Show>
          </details>
        </li>
      )}
    </Show>
  );
}

/** Where the job stands, in words. */
function lagWords(live: Live, job: Job): string {
  if (job.state !== 'running') return am.jobs.states[job.state];
  const ms = behindMs(live.history(), job);
  if (ms === null) return am.jobs.caughtUp;
  if (Number.isFinite(ms)) return am.jobs.behind(ms);
  return live.history().always(3_000, (flow) => jobOf(flow, job.job)?.records === job.records)
    ? am.jobs.standing(job.lagRecords)
    : am.jobs.records(job.lagRecords);
}

function JobFacts(props: { live: Live; job: Job }) {
  const now = () => props.live.flow().atMs;
  const rows = () => props.live.rate((flow) => jobOf(flow, props.job.job)?.rows);
  const commit = () => props.job.commitMs;
  return (
    <div class="flow-job__more">
      <Fates job={props.job} />
      <dl class="flow-facts">
        <Show when={props.job.watermarkBehindMs !== null}>
          <Fact
            name={am.jobs.watermark}
            value={am.jobs.watermarkValue(props.job.watermarkBehindMs ?? 0)}
            hint={am.jobs.watermarkHint}
          />
        </Show>
        <Show when={props.job.keys !== null}>
          <Fact
            name={am.jobs.keys}
            value={am.jobs.keysValue(am.number(props.job.keys ?? 0), shown(props.job.stateBytes, am.bytes))}
          />
        </Show>
        <Show when={props.job.timers !== null}>
          <Fact name={am.jobs.timers} value={shown(props.job.timers)} />
        </Show>
        <Show when={props.job.rows !== null}>
          <Fact name={am.jobs.rows} value={am.jobs.rowsValue(shown(rows()))} />
        </Show>
        <Show when={commit()}>
          {(spread) => (
            <Fact
              name={am.jobs.commit}
              value={am.log.commitValue(am.time(spread().p50), am.time(spread().p99))}
            />
          )}
        </Show>
        <CheckpointFacts job={props.job} nowMs={now()} />
        <Fact
          name={am.jobs.stumbles}
          value={am.jobs.stumblesValue(props.job.stumbles)}
          level={props.job.stumbles > 0 ? 'warn' : undefined}
        />
      </dl>
      <p class="flow-job__kind">
        <b>{am.jobs.kinds[props.job.kind]}</b> {am.jobs.kindHints[props.job.kind]}
      </p>
      <Show when={props.job.controllable}>
        <AskCheckpoint job={props.job.job} />
      </Show>
    </div>
  );
}

function CheckpointFacts(props: { job: Job; nowMs: number }) {
  return (
    <Show
      when={props.job.checkpoint}
      fallback={
        <Show when={props.job.kind === 'engine'}>
          <Fact name={am.jobs.checkpoint} value={am.jobs.checkpointNone} />
        </Show>
      }
    >
      {(last) => (
        <>
          <Fact
            name={am.jobs.checkpoint}
            value={am.jobs.checkpointValue(last().version, am.time(Math.max(0, props.nowMs - last().atMs)))}
          />
          <Fact
            name={am.jobs.checkpointCost}
            value={am.jobs.checkpointCostValue(
              am.bytes(last().bytes),
              last().tookMs ? am.time(last().tookMs?.p50 ?? 0) : null,
            )}
          />
        </>
      )}
    </Show>
  );
}

/** What became of the records, as parts of one bar and in words: they always add up. */
function Fates(props: { job: Job }) {
  const parts = () =>
    (['counted', 'duplicate', 'late', 'rejected'] as const).map((fate) => ({
      fate,
      count: props.job.fates[fate],
    }));
  return (
    <figure class="flow-fates">
      <figcaption class="flow-fates__title">{am.jobs.fates}</figcaption>
      <div class="flow-fates__bar" aria-hidden="true">
        <For each={parts().filter((part) => part.count > 0)}>
          {(part) => (
            <span
              class={`flow-fates__part flow-fates__part--${part.fate}`}
              style={{ 'flex-grow': part.count }}
            />
          )}
        </For>
      </div>
      <ul class="flow-fates__list">
        <For each={parts()}>
          {(part) => (
            <li class={`flow-fates__item flow-fates__item--${part.fate}`}>
              {am.whole(part.count)} {am.jobs[part.fate]}
            </li>
          )}
        </For>
      </ul>
    </figure>
  );
}

function AskCheckpoint(props: { job: string }) {
  const [asking, setAsking] = createSignal(false);
  const ask = async () => {
    setAsking(true);
    try {
      await checkpointAsk(props.job);
      toast(am.jobs.asked(jobName(props.job)));
    } catch (error) {
      toastError(error, am.jobs.askFailed);
    } finally {
      setAsking(false);
    }
  };
  return (
    <button type="button" class="button flow-job__ask" disabled={asking()} onClick={() => void ask()}>
      {am.jobs.ask}
    </button>
  );
}
