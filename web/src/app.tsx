// Picks the page for the address. Pages other than the feed load when first visited.

import { createEffect, createMemo, lazy, Match, Show, Suspense, Switch } from 'solid-js';
import { Dialogs } from './components/dialogs';
import { Notice } from './components/notice';
import { Shell } from './components/shell';
import { m } from './messages';
import { FeedPage } from './pages/feed/feed';
import { Link, path, routes } from './router';

const UploadPage = lazy(() => import('./pages/upload/upload'));
const ProfilePage = lazy(() => import('./pages/profile/profile'));
const LoginPage = lazy(() => import('./pages/login/login'));
const SettingsPage = lazy(() => import('./pages/settings/settings'));
const InterestsPage = lazy(() => import('./pages/settings/interests'));
const FlowPage = lazy(() => import('./admin/flow'));
const SteerPage = lazy(() => import('./admin/steer'));
const FeedOpenPage = lazy(() => import('./admin/feed'));
const VideoPage = lazy(() => import('./pages/video/video'));
const DistributionPage = lazy(() => import('./pages/distribution/distribution'));

type Place =
  | { page: 'feed'; kind: 'for-you' | 'following' }
  | { page: 'video'; id: string }
  | { page: 'reach'; id: string }
  | { page: 'profile'; username: string }
  | { page: 'login'; signUp: boolean }
  | { page: 'upload' | 'settings' | 'interests' | 'flow' | 'steer' | 'feed-open' | 'lost' };

/** What an address means. */
export function placeOf(pathname: string): Place {
  const [, first = '', second = '', rest, more] = pathname.split('/');
  if (first === 'v' && rest === 'reach' && more === undefined) return { page: 'reach', id: second };
  if (rest !== undefined) return { page: 'lost' };
  if (first === 'v' && second !== '') return { page: 'video', id: second };
  if (`/${first}/${second}` === routes.flow) return { page: 'flow' };
  if (`/${first}/${second}` === routes.steer) return { page: 'steer' };
  if (`/${first}/${second}` === routes.feedOpen) return { page: 'feed-open' };
  if (`/${first}/${second}` === routes.interests) return { page: 'interests' };
  if (second !== '') return { page: 'lost' };
  if (first.startsWith('@')) return { page: 'profile', username: first.slice(1) };
  const places: Record<string, Place> = {
    '/': { page: 'feed', kind: 'for-you' },
    [routes.following]: { page: 'feed', kind: 'following' },
    [routes.upload]: { page: 'upload' },
    [routes.settings]: { page: 'settings' },
    [routes.login]: { page: 'login', signUp: false },
    [routes.signUp]: { page: 'login', signUp: true },
  };
  return places[`/${first}`] ?? { page: 'lost' };
}

/** What the tab is called. */
function titleOf(place: Place): string {
  if (place.page === 'feed') return place.kind === 'following' ? m.nav.following : '';
  if (place.page === 'profile') return `@${place.username}`;
  if (place.page === 'login') return place.signUp ? m.auth.signUp : m.auth.login;
  return {
    upload: m.upload.title,
    settings: m.settings.title,
    interests: m.interests.title,
    lost: m.notFound.title,
    flow: m.nav.flow,
    steer: m.nav.steer,
    'feed-open': m.nav.feedOpen,
    video: '',
    reach: m.reach.title,
  }[place.page];
}

export function App() {
  const place = createMemo(() => placeOf(path()), undefined, {
    equals: (a, b) => JSON.stringify(a) === JSON.stringify(b),
  });
  createEffect(() => {
    document.title = m.title(titleOf(place()));
  });
  const at = <Page extends Place['page']>(page: Page) => {
    const current = place();
    return current.page === page ? (current as Extract<Place, { page: Page }>) : undefined;
  };
  const isStage = () => place().page === 'feed' || place().page === 'video';
  return (
    <Shell over={isStage()}>
      <Suspense>
        <Switch fallback={<LostPage />}>
          <Match when={at('feed')} keyed>
            {(feed) => <FeedPage kind={feed.kind} />}
          </Match>
          <Match when={at('video')} keyed>
            {(video) => <VideoPage id={video.id} />}
          </Match>
          <Match when={at('reach')} keyed>
            {(reach) => <DistributionPage id={reach.id} />}
          </Match>
          <Match when={at('profile')} keyed>
            {(profile) => <ProfilePage username={profile.username} />}
          </Match>
          <Match when={at('login')} keyed>
            {(login) => <LoginPage signUp={login.signUp} />}
          </Match>
          <Match when={at('upload')}>
            <UploadPage />
          </Match>
          <Match when={at('interests')}>
            <InterestsPage />
          </Match>
          <Match when={at('settings')}>
            <SettingsPage />
          </Match>
          <Match when={at('flow')}>
            <FlowPage />
          </Match>
          <Match when={at('steer')}>
            <SteerPage />
          </Match>
          <Match when={at('feed-open')}>
            <FeedOpenPage />
          </Match>
        </Switch>
      </Suspense>
      <Show when={!isStage()}>
        <Dialogs />
      </Show>
    </Shell>
  );
}

const LostPage = () => (
  <div class="page">
    <Notice icon="film" title={m.notFound.title} text={m.notFound.text}>
      <Link class="button button--accent" href={routes.forYou}>
        {m.notFound.action}
      </Link>
    </Notice>
  </div>
);
