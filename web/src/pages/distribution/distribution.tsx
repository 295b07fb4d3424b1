// How one's own video spreads: what it was promised, round by round how it did, what happens next. Says figures as they are, and
// nothing about what it takes to please: there is no such list.

import { createResource, createSignal, For, Index, type JSX, onCleanup, Show } from 'solid-js';
import { ApiError } from '../../api/client';
import { videoDistribution, videoGet } from '../../api/endpoints';
import type { Distribution, DistributionPool, Video } from '../../api/wire';
import { Icon, type IconName } from '../../components/icon';
import { Notice } from '../../components/notice';
import { ago, m } from '../../messages';
import { thumbhashUrl } from '../../player/thumbhash';
import { Link, loginFrom, routes } from '../../router';
import { percentOf, roundsLeft, widthOf } from './figures';
import './distribution.css';

/** The figures are a second old at most; nobody needs them more often than this. */
const EVERY_MS = 5000;

export default function DistributionPage(props: { id: string }) {
  const [failure, setFailure] = createSignal<ApiError | null>(null);
  const [told, { refetch }] = createResource<Distribution | undefined, string>(
    () => props.id,
    async (id, info) => {
      try {
        const answer = await videoDistribution(id);
        setFailure(null);
        return answer;
      } catch (error) {
        setFailure(error instanceof ApiError ? error : new ApiError(0, 'unexpected', String(error)));
        return info.value;
      }
    },
  );
  const [video] = createResource(
    () => props.id,
    (id) => videoGet(id).catch(() => undefined),
  );
  const timer = setInterval(() => {
    const refused = failure() !== null && [401, 403, 404].includes(failure()?.status ?? 0);
    if (!document.hidden && !refused) void refetch();
  }, EVERY_MS);
  onCleanup(() => clearInterval(timer));
  return (
    <div class="page reach">
      <Link class="reach__back" href={routes.video(props.id)}>
        <Icon name="left" size={18} />
        {m.reach.back}
      </Link>
      <h1 class="page__title">{m.reach.title}</h1>
      <Show when={told.latest} fallback={<Waiting failure={failure()} onRetry={() => void refetch()} />}>
        {(answer) => (
          <>
            <Show when={failure()}>
              <p class="reach__stale" role="status">
                {m.reach.stale}
              </p>
            </Show>
            <Head told={answer()} video={video.latest} />
            <Promised told={answer()} />
            <Rounds told={answer()} />
            <Show when={roundsLeft(answer().pools).length > 0}>
              <Past told={answer()} />
            </Show>
            <p class="reach__note">{m.reach.note}</p>
          </>
        )}
      </Show>
    </div>
  );
}

function Waiting(props: { failure: ApiError | null; onRetry: () => void }) {
  const gone = () => props.failure?.status === 404;
  return (
    <Show
      when={props.failure}
      keyed
      fallback={<div class="card reach__skeleton skeleton" role="status" aria-label={m.reach.loading} />}
    >
      {(failure) => (
        <Show
          when={failure.status === 401 || failure.status === 403 || gone()}
          fallback={
            <Notice icon="cloudOff" title={m.reach.errorTitle} text={m.reach.errorText} alert>
              <button type="button" class="button button--accent" onClick={props.onRetry}>
                {m.feed.retry}
              </button>
            </Notice>
          }
        >
          <Notice
            icon="eye"
            title={gone() ? m.reach.goneTitle : m.reach.foreignTitle}
            text={gone() ? m.reach.goneText : m.reach.foreignText}
            alert
          >
            <Show when={failure.status === 401}>
              <Link class="button button--accent" href={loginFrom()}>
                {m.signIn.login}
              </Link>
            </Show>
          </Notice>
        </Show>
      )}
    </Show>
  );
}

const MARKS: Record<Distribution['next'], IconName> = {
  publish: 'clock',
  first_viewers: 'eye',
  trying: 'people',
  proving: 'clock',
  open: 'check',
  stopped: 'flag',
};

/** What is going on, in one sentence, beside the video's picture. */
function Head(props: { told: Distribution; video: Video | undefined }) {
  return (
    <section class="card reach__head" data-next={props.told.next}>
      <Show when={props.video?.playback} keyed>
        {(playback) => (
          <img
            class="reach__poster"
            src={playback.poster}
            alt=""
            style={{ 'background-image': `url(${thumbhashUrl(playback.thumbhash)})` }}
          />
        )}
      </Show>
      <div class="reach__now">
        <p class="reach__caption" dir="auto">
          {props.video?.caption}
        </p>
        <h2 class="reach__state">
          <span class="reach__mark">
            <Icon name={MARKS[props.told.next]} size={20} />
          </span>
          {m.reach.next[props.told.next].title}
        </h2>
        <p class="reach__text">{m.reach.next[props.told.next].text}</p>
        <p class="reach__shown">{m.reach.shown(props.told.impressions)}</p>
      </div>
    </section>
  );
}

/** The first impressions, which every new video is promised. */
function Promised(props: { told: Distribution }) {
  const promise = () => props.told.promise;
  return (
    <section class="card reach__promise" aria-labelledby="reach-promise">
      <h2 class="reach__heading" id="reach-promise">
        {m.reach.promise.title(promise().impressions)}
      </h2>
      <Bar part={widthOf(promise().given, promise().impressions)} label={m.reach.promise.label}>
        {m.reach.of(promise().given, promise().impressions)}
      </Bar>
      <p class="reach__text">{m.reach.promise.states[promise().state]}</p>
    </section>
  );
}

function Bar(props: { part: number; label: string; children: JSX.Element }) {
  return (
    <div class="reach__bar">
      <div
        class="reach__track"
        role="progressbar"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(props.part * 100)}
      >
        <span class="reach__fill" style={{ width: `${props.part * 100}%` }} />
      </div>
      <span class="reach__figure">{props.children}</span>
    </div>
  );
}

function Rounds(props: { told: Distribution }) {
  return (
    <section aria-labelledby="reach-rounds">
      <h2 class="reach__heading reach__heading--apart" id="reach-rounds">
        {m.reach.rounds}
      </h2>
      <p class="page__lead">{m.reach.roundsLead}</p>
      <ol class="reach__rounds">
        <Index each={props.told.pools}>{(pool, at) => <Round pool={pool()} number={at + 1} />}</Index>
      </ol>
    </section>
  );
}

function Round(props: { pool: DistributionPool; number: number }) {
  const reached = () => props.pool.state !== 'ahead';
  return (
    <li class="reach__round" data-state={props.pool.state}>
      <div class="reach__round-head">
        <h3>{m.reach.round(props.number)}</h3>
        <span class="reach__chip">{m.reach.states[props.pool.state]}</span>
      </div>
      <Show when={reached()} fallback={<p class="reach__text">{m.reach.roundAhead(props.pool.size)}</p>}>
        <Bar part={widthOf(props.pool.impressions, props.pool.size)} label={m.reach.roundLabel(props.number)}>
          {m.reach.of(props.pool.impressions, props.pool.size)}
        </Bar>
        <Compared pool={props.pool} />
      </Show>
    </li>
  );
}

/** The video beside its peers, as two bars of one scale and a sentence. */
function Compared(props: { pool: DistributionPool }) {
  return (
    <Show
      when={percentOf(props.pool.wentWellPercent)}
      keyed
      fallback={<p class="reach__text">{m.reach.nobodyYet}</p>}
    >
      {(own) => (
        <>
          <div class="reach__pair" aria-hidden="true">
            <span class="reach__who">{m.reach.yours}</span>
            <span class="reach__track">
              <span class="reach__fill" style={{ width: `${own}%` }} />
            </span>
            <span class="reach__figure">{m.reach.inHundred(own)}</span>
            <span class="reach__who">{m.reach.peers}</span>
            <span class="reach__track">
              <span
                class="reach__fill reach__fill--calm"
                style={{ width: `${percentOf(props.pool.peersPercent) ?? 0}%` }}
              />
            </span>
            <span class="reach__figure">{m.reach.inHundred(percentOf(props.pool.peersPercent) ?? 0)}</span>
          </div>
          <p class="reach__text">
            {m.reach.compared(own, percentOf(props.pool.peersPercent) ?? 0)} {m.reach.basis(props.pool.peers)}
          </p>
        </>
      )}
    </Show>
  );
}

/** What was decided, newest first. */
function Past(props: { told: Distribution }) {
  return (
    <section class="card reach__past" aria-labelledby="reach-past">
      <h2 class="reach__heading" id="reach-past">
        {m.reach.past}
      </h2>
      <ul>
        <For each={roundsLeft(props.told.pools)}>
          {(left) => (
            <li class="reach__step">
              <Icon name={left.pool.state === 'passed' ? 'check' : 'flag'} size={18} />
              <span>
                {left.pool.state === 'passed'
                  ? m.reach.passed(left.number, percentOf(left.pool.betterPercent) ?? 0)
                  : m.reach.stopped(left.number, 100 - (percentOf(left.pool.betterPercent) ?? 0))}
              </span>
              <time class="reach__when" dateTime={new Date(left.leftMs).toISOString()}>
                {ago(left.leftMs)}
              </time>
            </li>
          )}
        </For>
      </ul>
    </section>
  );
}
