// The feed: For You or Following on the stage, with the two tabs above it on a phone.

import { createSignal, Show } from 'solid-js';
import { refresh, viewer, wasSignedIn } from '../../api/auth';
import type { FeedKind } from '../../api/endpoints';
import { Onboarding } from '../../components/onboarding';
import { m } from '../../messages';
import { Link, routes } from '../../router';
import { SlideSkeleton } from '../../stage/tail-card';
import { StageView } from '../../stage/view';
import { forgetFeeds, sourceFor } from './sources';

export function FeedPage(props: { kind: FeedKind }) {
  // Someone who was signed in waits for the silent refresh, so that the first page is theirs; a guest never waits.
  const [ready, setReady] = createSignal(viewer() !== null || !wasSignedIn());
  if (!ready()) void refresh().finally(() => setReady(true));
  const isPlain = () => sourceFor(props.kind).items().length === 0;
  return (
    <div class="feed" classList={{ 'on-plain': isPlain() }} style={{ height: '100%' }}>
      <h1 class="visually-hidden">{props.kind === 'for-you' ? m.nav.forYou : m.nav.following}</h1>
      <Show when={ready() && sourceFor(props.kind)} keyed fallback={<FirstSkeleton />}>
        {(source) => (
          <StageView source={source}>
            <nav class="tabs" aria-label={m.nav.tabs}>
              <Link class="tabs__tab" href={routes.following}>
                {m.nav.following}
              </Link>
              <Link class="tabs__tab" href={routes.forYou}>
                {m.nav.forYou}
              </Link>
            </nav>
          </StageView>
        )}
      </Show>
      <Show when={ready() && props.kind === 'for-you'}>
        <Onboarding onChosen={forgetFeeds} />
      </Show>
    </div>
  );
}

const FirstSkeleton = () => (
  <div class="view">
    <div class="slide">
      <div class="slide__card">
        <SlideSkeleton />
      </div>
    </div>
  </div>
);
