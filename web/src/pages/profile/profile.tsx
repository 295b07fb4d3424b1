// A person's page: who they are, their counts, following them, their videos. One's own page also shows what is still
// processing or was not accepted.

import { createResource, createSignal, Match, Show, Switch } from 'solid-js';
import { viewer } from '../../api/auth';
import { ApiError } from '../../api/client';
import { userByName } from '../../api/endpoints';
import type { User } from '../../api/wire';
import { Avatar } from '../../components/avatar';
import { Notice } from '../../components/notice';
import { m } from '../../messages';
import { Link, routes } from '../../router';
import { isFollowing, toggleFollow } from '../../state/engagement';
import { logoutHere } from '../settings/settings';
import { VideoGrid } from './grid';
import { People } from './people';
import './profile.css';

type Loaded = { user?: User; missing?: boolean };

export default function ProfilePage(props: { username: string }) {
  const [loaded, { refetch }] = createResource(
    () => ({ username: props.username, viewer: viewer()?.id }),
    async ({ username }): Promise<Loaded> => {
      try {
        return { user: await userByName(username) };
      } catch (error) {
        return { missing: error instanceof ApiError && error.status === 404 };
      }
    },
  );
  return (
    <div class="page profile">
      <Switch fallback={<ProfileSkeleton />}>
        <Match when={loaded.latest?.user} keyed>
          {(user) => <Profile user={user} />}
        </Match>
        <Match when={loaded.latest?.missing}>
          <Notice icon="user" title={m.profile.notFoundTitle} text={m.profile.notFoundText}>
            <Link class="button button--accent" href={routes.forYou}>
              {m.notFound.action}
            </Link>
          </Notice>
        </Match>
        <Match when={loaded.latest}>
          <Notice icon="cloudOff" title={m.feed.errorTitle} text={m.feed.errorText} alert>
            <button type="button" class="button button--accent" onClick={() => void refetch()}>
              {m.feed.retry}
            </button>
          </Notice>
        </Match>
      </Switch>
    </div>
  );
}

function Profile(props: { user: User }) {
  const isSelf = () => viewer()?.id === props.user.id;
  const name = () => (isSelf() ? viewer()?.displayName : undefined) ?? props.user.displayName;
  return (
    <>
      <header class="profile__head">
        <Avatar id={props.user.id} name={name()} size={96} />
        <div class="profile__who">
          <h1 class="page__title" dir="auto">
            {name()}
          </h1>
          <p class="profile__handle">
            <bdi>@{props.user.username}</bdi>
          </p>
          <Show when={props.user.bio}>
            <p class="profile__bio" dir="auto">
              {props.user.bio}
            </p>
          </Show>
        </div>
        <div class="profile__actions">
          <Show when={isSelf()} fallback={<FollowButton user={props.user} />}>
            <Link class="button" href={routes.settings}>
              {m.profile.edit}
            </Link>
            <button type="button" class="button button--quiet" onClick={() => void logoutHere()}>
              {m.profile.logout}
            </button>
          </Show>
        </div>
        <Counts user={props.user} />
      </header>
      <VideoGrid user={props.user} isSelf={isSelf()} />
    </>
  );
}

const asCreator = (user: User) => ({ id: user.id, following: user.viewer.following });

function FollowButton(props: { user: User }) {
  const follows = () => isFollowing(asCreator(props.user));
  return (
    <button
      type="button"
      class="button"
      classList={{ 'button--accent': !follows() }}
      data-kind="follow"
      aria-pressed={follows()}
      onClick={() => void toggleFollow(asCreator(props.user))}
    >
      {follows() ? m.profile.unfollow : m.profile.follow}
    </button>
  );
}

function Counts(props: { user: User }) {
  const [list, setList] = createSignal<'followers' | 'following' | null>(null);
  // The shown number follows the button before the server has counted.
  const followers = () => {
    const { counts, viewer: seen } = props.user;
    return counts.followers + Number(isFollowing(asCreator(props.user))) - Number(seen.following);
  };
  return (
    <ul class="counts">
      <Count
        n={props.user.counts.following}
        text={m.profile.following}
        onClick={() => setList('following')}
      />
      <Count n={followers()} text={m.profile.followers} onClick={() => setList('followers')} />
      <Count n={props.user.counts.likes} text={m.profile.likes} />
      <Show when={list()} keyed>
        {(shown) => <People user={props.user} list={shown} onClose={() => setList(null)} />}
      </Show>
    </ul>
  );
}

function Count(props: { n: number; text: string; onClick?: () => void }) {
  const body = () => (
    <>
      <strong>{m.count(props.n)}</strong> <span>{props.text}</span>
    </>
  );
  return (
    <li>
      <Show when={props.onClick} fallback={<span class="counts__item">{body()}</span>}>
        <button type="button" class="counts__item" onClick={() => props.onClick?.()}>
          {body()}
        </button>
      </Show>
    </li>
  );
}

const ProfileSkeleton = () => (
  <div class="profile__head" aria-hidden="true">
    <span class="skeleton profile__skeleton-face" />
    <div class="profile__who">
      <span class="skeleton profile__skeleton-name" />
      <span class="skeleton profile__skeleton-line" />
    </div>
  </div>
);
