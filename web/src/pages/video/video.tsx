// One shared video at its own address, with For You behind it: swiping on goes into the feed.

import { createResource, Show, Suspense } from 'solid-js';
import { viewer } from '../../api/auth';
import { ApiError } from '../../api/client';
import { videoGet } from '../../api/endpoints';
import { Icon } from '../../components/icon';
import { Notice } from '../../components/notice';
import { m } from '../../messages';
import { Link, loginFrom, routes } from '../../router';
import { FeedSource } from '../../stage/source';
import { StageView } from '../../stage/view';

export default function VideoPage(props: { id: string }) {
  const [found] = createResource(
    () => props.id,
    async (id) => {
      try {
        const video = await videoGet(id);
        return video.playback ? { source: new FeedSource('for-you', video) } : { missing: true };
      } catch (error) {
        const status = error instanceof ApiError ? error.status : 0;
        return { missing: status === 404, adultsOnly: status === 403, failed: true };
      }
    },
  );
  return (
    <Suspense>
      <Show when={found()} keyed>
        {(result) => (
          <Show
            when={'source' in result && result.source}
            keyed
            fallback={
              <Missing
                missing={result.missing ?? false}
                adultsOnly={('adultsOnly' in result && result.adultsOnly) || false}
              />
            }
          >
            {(source) => (
              <>
                <h1 class="visually-hidden">{source.items()[0]?.video.caption || m.feed.label}</h1>
                <StageView source={source}>
                  <Link class="icon-button back" href={routes.forYou} aria-label={m.nav.forYou}>
                    <Icon name="home" />
                  </Link>
                </StageView>
              </>
            )}
          </Show>
        )}
      </Show>
    </Suspense>
  );
}

function Missing(props: { missing: boolean; adultsOnly: boolean }) {
  const words = () => {
    if (props.adultsOnly) return m.adultsOnly;
    return props.missing ? m.notFound : { title: m.feed.errorTitle, text: m.feed.errorText };
  };
  return (
    <div class="page">
      <Notice icon="film" title={words().title} text={words().text} alert>
        <Show
          when={props.adultsOnly && !viewer()}
          fallback={
            <Link class="button button--accent" href={routes.forYou}>
              {m.notFound.action}
            </Link>
          }
        >
          <Link class="button button--accent" href={loginFrom()}>
            {m.signIn.login}
          </Link>
        </Show>
      </Notice>
    </div>
  );
}
