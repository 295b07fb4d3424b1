// The feed: For You or Following on the stage, with the two tabs above it on a phone.

import { createResource, Show } from 'solid-js';
import { refresh, viewer, wasSignedIn } from '../../api/auth';
import type { FeedKind } from '../../api/endpoints';
import { m } from '../../messages';
import { Link, routes } from '../../router';
import { StageView } from '../../stage/view';
import { sourceFor } from './sources';

// Someone who was signed in waits for the silent refresh, so that the first page is theirs; a guest never waits.
const settled = (): Promise<boolean> | true => (viewer() || !wasSignedIn() ? true : refresh());

export function FeedPage(props: { kind: FeedKind }) {
  const [ready] = createResource(async () => {
    await settled();
    return true;
  });
  const isPlain = () => sourceFor(props.kind).items().length === 0;
  return (
    <div class="feed" classList={{ 'on-plain': isPlain() }} style={{ height: '100%' }}>
      <h1 class="visually-hidden">{props.kind === 'for-you' ? m.nav.forYou : m.nav.following}</h1>
      <Show when={ready.latest && sourceFor(props.kind)} keyed>
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
    </div>
  );
}
