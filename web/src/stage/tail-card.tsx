// What stands where the videos end: a quiet skeleton while more is coming, or the end, an error, a limit, a sign-in.

import { createSignal, Match, onCleanup, Show, Switch } from 'solid-js';
import { Notice } from '../components/notice';
import { m } from '../messages';
import { Link, loginFrom, routes } from '../router';
import type { StageController } from './controller';
import type { FeedSource, Tail } from './source';

export function TailCard(props: { stage: StageController }) {
  const { source } = props.stage;
  const kind = () => source.tail().kind;
  return (
    <div class="tail" data-no-drag={source.items().length === 0 ? '' : undefined} data-tail={kind()}>
      <Switch fallback={<SlideSkeleton />}>
        <Match when={kind() === 'end'}>
          <EndNotice stage={props.stage} />
        </Match>
        <Match when={kind() === 'error'}>
          <Notice icon="cloudOff" title={m.feed.errorTitle} text={m.feed.errorText} alert>
            <button type="button" class="button button--accent" onClick={() => void source.load()}>
              {m.feed.retry}
            </button>
          </Notice>
        </Match>
        <Match when={kind() === 'signed-out'}>
          <Notice icon="people" title={m.feed.signedOutTitle} text={m.feed.signedOutText}>
            <Link class="button button--accent" href={loginFrom(routes.signUp)}>
              {m.signIn.signUp}
            </Link>
            <Link class="button" href={loginFrom()}>
              {m.signIn.login}
            </Link>
          </Notice>
        </Match>
        <Match when={kind() === 'limited'}>
          <LimitedNotice source={source} />
        </Match>
      </Switch>
    </div>
  );
}

function EndNotice(props: { stage: StageController }) {
  const { source } = props.stage;
  const restart = async () => {
    await source.restart();
    if (!props.stage.current) props.stage.goTo(0);
  };
  return (
    <Show when={source.items().length > 0} fallback={<NothingNotice source={source} />}>
      <Notice icon="check" title={m.feed.emptyTitle} text={m.feed.emptyText}>
        <button type="button" class="button button--accent" onClick={() => void restart()}>
          {m.feed.emptyAction}
        </button>
      </Notice>
    </Show>
  );
}

function NothingNotice(props: { source: FeedSource }) {
  return (
    <Show
      when={props.source.kind === 'following'}
      fallback={
        <Notice icon="film" title={m.feed.noneTitle} text={m.feed.noneText}>
          <Link class="button button--accent" href={routes.upload}>
            {m.feed.noneAction}
          </Link>
        </Notice>
      }
    >
      <Notice icon="people" title={m.feed.followingEmptyTitle} text={m.feed.followingEmptyText}>
        <Link class="button button--accent" href={routes.forYou}>
          {m.feed.followingEmptyAction}
        </Link>
      </Notice>
    </Show>
  );
}

function LimitedNotice(props: { source: FeedSource }) {
  const tail = props.source.tail() as Extract<Tail, { kind: 'limited' }>;
  const secondsLeft = () => Math.max(0, Math.ceil((tail.untilMs - Date.now()) / 1000));
  const [left, setLeft] = createSignal(secondsLeft());
  const timer = setInterval(() => {
    setLeft(secondsLeft());
    if (left() > 0) return;
    clearInterval(timer);
    void props.source.load();
  }, 500);
  onCleanup(() => clearInterval(timer));
  return <Notice icon="clock" title={m.feed.limitedTitle} text={m.feed.limitedText(left())} />;
}

export function SlideSkeleton() {
  return (
    <div class="slide-skeleton" role="status" aria-label={m.feed.loading}>
      <span class="skeleton slide-skeleton__name" />
      <span class="skeleton slide-skeleton__line" />
      <span class="skeleton slide-skeleton__line slide-skeleton__line--short" />
    </div>
  );
}
