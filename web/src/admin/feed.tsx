// The operator's page of one request of the feed: stage by stage, with counts, drops and their reasons, scores and times. Who may see
// it is decided by the server at every question.

import { createSignal, For, type JSX, Match, Show, Switch } from 'solid-js';
import { refresh, viewer, wasSignedIn } from '../api/auth';
import { ApiError } from '../api/client';
import { Notice } from '../components/notice';
import { Link, loginFrom, routes } from '../router';
import { explainGet, type FeedCandidate, type FeedExplained, type FeedStage } from './feed-wire';
import { am } from './messages';
import { fm } from './messages/feed';
import { rememberOperator } from './operator';
import { Fact } from './parts';
import './flow.css';
import './feed.css';

export default function FeedOpenPage() {
  const [told, setTold] = createSignal<FeedExplained>();
  const [error, setError] = createSignal<ApiError | Error>();
  const [busy, setBusy] = createSignal(false);
  const look = async (user: string, region: string) => {
    setBusy(true);
    try {
      if (!viewer() && wasSignedIn()) await refresh();
      setTold(await explainGet(user, region));
      setError(undefined);
      rememberOperator();
    } catch (caught) {
      setTold(undefined);
      setError(caught instanceof Error ? caught : new Error(String(caught)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="page feed-open">
      <h1 class="page__title">{fm.title}</h1>
      <p class="page__lead">{fm.lead}</p>
      <Form busy={busy()} look={look} />
      <div aria-live="polite" aria-busy={busy()}>
        <Switch fallback={<Notice icon="people" title={fm.empty} text={fm.emptyText} />}>
          <Match when={error()}>{(error) => <Refused error={error()} />}</Match>
          <Match when={told()}>{(told) => <Told told={told()} />}</Match>
        </Switch>
      </div>
    </div>
  );
}

function Form(props: { busy: boolean; look: (user: string, region: string) => void }) {
  const [typed, setTyped] = createSignal<string>();
  // Oneself, as soon as the page knows who that is.
  const user = () => typed() ?? viewer()?.username ?? '';
  const [region, setRegion] = createSignal('');
  const submit = (event: Event) => {
    event.preventDefault();
    if (user().trim() && !props.busy) props.look(user().trim(), region().trim());
  };
  return (
    <form class="feed-open__form" onSubmit={submit}>
      <label class="field">
        <span class="field__label">{fm.user}</span>
        <input
          class="input"
          value={user()}
          onInput={(event) => setTyped(event.currentTarget.value)}
          placeholder={fm.userHint}
          autocomplete="off"
          spellcheck={false}
          required
        />
      </label>
      <label class="field field--region">
        <span class="field__label">{fm.region}</span>
        <input
          class="input"
          value={region()}
          onInput={(event) => setRegion(event.currentTarget.value)}
          title={fm.regionHint}
          maxLength={2}
          autocomplete="off"
        />
      </label>
      <button type="submit" class="button button--accent" disabled={props.busy}>
        {props.busy ? fm.looking : fm.look}
      </button>
    </form>
  );
}

function Refused(props: { error: Error }) {
  const status = () => (props.error instanceof ApiError ? props.error.status : 0);
  return (
    <Switch fallback={<Notice icon="cloudOff" title={fm.failed} text={fm.failedText} alert />}>
      <Match when={status() === 401}>
        <Notice icon="user" title={am.gate.signIn} text={am.gate.signInText} alert>
          <Link class="button button--accent" href={loginFrom()}>
            {am.gate.login}
          </Link>
        </Notice>
      </Match>
      <Match when={status() === 403}>
        <Notice
          icon="user"
          title={am.gate.forbidden}
          text={am.gate.forbiddenText(viewer()?.username ?? '')}
          alert
        />
      </Match>
      <Match when={status() === 404}>
        <Notice icon="user" title={fm.notFound} text={fm.notFoundText} alert />
      </Match>
      <Match when={status() === 400}>
        <Notice icon="flag" title={fm.badRegion} text={props.error.message} alert />
      </Match>
    </Switch>
  );
}

function Told(props: { told: FeedExplained }) {
  return (
    <>
      <div class="feed-open__grid">
        <Person told={props.told} />
        <Page told={props.told} />
      </div>
      <Stages stages={props.told.stages} />
      <Candidates top={props.told.top} />
      <Gone gone={props.told.gone} />
    </>
  );
}

function Person(props: { told: FeedExplained }) {
  return (
    <section class="feed-open__card">
      <h2 class="feed-open__name">{fm.facts}</h2>
      <dl class="flow-facts">
        <Fact name={fm.took} value={fm.us(props.told.tookUs)} />
        <Fact name={fm.watches} value={fm.count(props.told.watches)} />
        <Fact name={fm.following} value={fm.count(props.told.following)} />
      </dl>
      <h3 class="feed-open__hint">{fm.leanings}</h3>
      <div class="feed-open__chips">
        <For each={props.told.leanings} fallback={<span class="feed-open__hint">{fm.noLeanings}</span>}>
          {(leaning) => (
            <span class="feed-open__chip" classList={{ 'is-away': leaning.strength < 0 }}>
              {leaning.what} {fm.signed(leaning.strength)}
            </span>
          )}
        </For>
      </div>
    </section>
  );
}

function Page(props: { told: FeedExplained }) {
  return (
    <section class="feed-open__card">
      <h2 class="feed-open__name">{fm.slate}</h2>
      <Show when={props.told.slate} fallback={<p class="feed-open__hint">{fm.none}</p>}>
        {(slate) => (
          <dl class="flow-facts">
            <Fact name={fm.value} value={fm.number(slate().value)} />
            <Fact name={fm.bound} value={fm.number(slate().bound)} />
            <Fact
              name={fm.gap}
              value={fm.percent(slate().bound > 0 ? 1 - slate().value / slate().bound : 0)}
            />
            <Fact name={fm.priceRegional} value={fm.number(slate().priceRegional)} />
            <Fact name={fm.priceExploring} value={fm.number(slate().priceExploring)} />
            <Fact
              name={fm.relaxed}
              value={slate().relaxed.join(', ') || fm.none}
              level={slate().relaxed.length > 0 ? 'warn' : undefined}
            />
          </dl>
        )}
      </Show>
    </section>
  );
}

/** A card with a wide table, which a keyboard can scroll. */
function Table(props: { name: string; hint: string; head: JSX.Element; children: JSX.Element }) {
  return (
    <section class="feed-open__card">
      <h2 class="feed-open__name">{props.name}</h2>
      <p class="feed-open__hint">{props.hint}</p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section class="feed-open__scroll" aria-label={props.name} tabIndex={0}>
        <table>
          <thead>
            <tr>{props.head}</tr>
          </thead>
          <tbody>{props.children}</tbody>
        </table>
      </section>
    </section>
  );
}

function Stages(props: { stages: FeedStage[] }) {
  const slowest = () => Math.max(1, ...props.stages.map((stage) => stage.tookUs));
  return (
    <Table
      name={fm.stages}
      hint={fm.stagesHint}
      head={
        <>
          <th scope="col">{fm.stage}</th>
          <th scope="col" class="is-number">
            {fm.before}
          </th>
          <th scope="col" class="is-number">
            {fm.after}
          </th>
          <th scope="col" class="is-number">
            {fm.time}
          </th>
          <th scope="col">{fm.went}</th>
        </>
      }
    >
      <For each={props.stages}>
        {(stage) => (
          <tr data-stage={stage.name}>
            <td>
              <span class="feed-open__kind">{fm.kinds[stage.kind] ?? stage.kind}</span>
              <span class="feed-open__stage">{stage.name}</span>
              <span class="feed-open__about">{stage.about}</span>
            </td>
            <td class="is-number">{fm.count(stage.before)}</td>
            <td class="is-number">{fm.count(stage.after)}</td>
            <td class="is-number">
              {fm.us(stage.tookUs)}
              <span
                class="feed-open__share"
                style={{ width: `${(100 * stage.tookUs) / slowest()}%` }}
                aria-hidden="true"
              />
            </td>
            <td>
              <Show when={stage.end !== 'done'}>
                <span class="feed-open__bad">
                  {fm.ends[stage.end]} {stage.error ?? ''}
                </span>
              </Show>
              {stage.removed.map((one) => `${one.reason} ${fm.count(one.count)}`).join(', ')}
            </td>
          </tr>
        )}
      </For>
    </Table>
  );
}

function Candidates(props: { top: FeedCandidate[] }) {
  return (
    <Table
      name={fm.top}
      hint={fm.topHint}
      head={
        <>
          <th scope="col" class="is-number">
            {fm.place}
          </th>
          <th scope="col">{fm.video}</th>
          <th scope="col" class="is-number">
            {fm.score}
          </th>
          <th scope="col" class="is-number">
            {fm.light}
          </th>
          <th scope="col">{fm.sources}</th>
        </>
      }
    >
      <For each={props.top}>
        {(one) => (
          <tr classList={{ 'is-beyond': one.position === null }}>
            <td class="is-number">
              <Show when={one.position !== null} fallback={<span title={fm.beyond}>{am.unknown}</span>}>
                {(one.position ?? 0) + 1}
              </Show>
            </td>
            <td>
              <Link class="feed-open__caption" href={routes.video(one.video)}>
                {one.caption || fm.noCaption}
              </Link>
              <span class="feed-open__kind">
                @{one.creator}
                <Show when={one.explored}> · {fm.explores(one.propensity)}</Show>
              </span>
            </td>
            <td class="is-number">{fm.number(one.score)}</td>
            <td class="is-number">{fm.number(one.light)}</td>
            <td>{one.sources.join(', ')}</td>
          </tr>
        )}
      </For>
    </Table>
  );
}

function Gone(props: { gone: FeedExplained['gone'] }) {
  return (
    <Show when={props.gone.length > 0}>
      <Table
        name={fm.gone}
        hint={fm.goneHint}
        head={
          <>
            <th scope="col">{fm.video}</th>
            <th scope="col">{fm.stage}</th>
            <th scope="col">{fm.reason}</th>
            <th scope="col">{fm.sources}</th>
          </>
        }
      >
        <For each={props.gone}>
          {(one) => (
            <tr>
              <td>{one.video}</td>
              <td>{one.stage}</td>
              <td>{one.reason}</td>
              <td>{one.sources.join(', ')}</td>
            </tr>
          )}
        </For>
      </Table>
    </Show>
  );
}
