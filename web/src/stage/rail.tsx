// The column of things to do with a video: its creator with the follow badge, like, comments, save, share, more.
// Lies over the video on a phone and beside it where there is room.

import { Show } from 'solid-js';
import { viewer } from '../api/auth';
import type { FeedItem } from '../api/wire';
import { Avatar } from '../components/avatar';
import { Icon, type IconName } from '../components/icon';
import { m } from '../messages';
import { Link, routes } from '../router';
import {
  countsOf,
  isFollowing,
  isLiked,
  isSaved,
  toggleFollow,
  toggleLike,
  toggleSave,
} from '../state/engagement';
import { type Actions, shareVideo } from './actions';

export function Rail(props: { item: FeedItem; actions: Actions }) {
  const video = () => props.item.video;
  const counts = () => countsOf(video());
  return (
    <div class="rail">
      <CreatorBadge item={props.item} />
      <RailButton
        icon="heart"
        label={isLiked(video()) ? m.video.unlike : m.video.like}
        pressed={isLiked(video())}
        count={counts().likes}
        kind="like"
        onClick={() => toggleLike(video())}
      />
      <RailButton
        icon="comment"
        label={m.video.comments}
        count={counts().comments}
        kind="comments"
        onClick={() => props.actions.comments()}
      />
      <RailButton
        icon="bookmark"
        label={isSaved(video()) ? m.video.unsave : m.video.save}
        pressed={isSaved(video())}
        count={counts().saves}
        kind="save"
        onClick={() => toggleSave(video())}
      />
      <RailButton
        icon="share"
        label={m.video.share}
        count={counts().shares}
        kind="share"
        onClick={() => void shareVideo(props.item)}
      />
      <RailButton icon="more" label={m.video.more} kind="more" onClick={() => props.actions.menu()} />
      <span class="disc" aria-hidden="true">
        <Icon name="note" size={18} />
      </span>
    </div>
  );
}

interface RailButtonProps {
  icon: IconName;
  label: string;
  kind: string;
  count?: number;
  pressed?: boolean;
  onClick: () => void;
}

function RailButton(props: RailButtonProps) {
  const name = () => (props.count === undefined ? props.label : `${props.label}, ${m.count(props.count)}`);
  return (
    <button
      type="button"
      class="rail__button"
      classList={{ 'is-on': props.pressed }}
      data-kind={props.kind}
      aria-label={name()}
      aria-pressed={props.pressed}
      onClick={() => props.onClick()}
    >
      <span class="rail__icon">
        <Icon name={props.icon} filled={props.pressed ?? false} size={28} />
      </span>
      <Show when={props.count !== undefined}>
        <span class="rail__count" aria-hidden="true">
          {m.count(props.count ?? 0)}
        </span>
      </Show>
    </button>
  );
}

function CreatorBadge(props: { item: FeedItem }) {
  const creator = () => props.item.video.creator;
  const follows = () => isFollowing(creator());
  return (
    <div class="rail__creator">
      <Link
        href={routes.profile(creator().username)}
        class="rail__avatar"
        aria-label={m.video.profileOf(creator().displayName)}
      >
        <Avatar id={creator().id} name={creator().displayName} size={48} />
      </Link>
      <Show when={viewer()?.id !== creator().id}>
        <button
          type="button"
          class="follow-badge"
          classList={{ 'is-on': follows() }}
          data-kind="follow"
          aria-pressed={follows()}
          aria-label={
            follows() ? m.video.unfollow(creator().displayName) : m.video.follow(creator().displayName)
          }
          onClick={() => void toggleFollow(creator(), props.item.video.id)}
        >
          <span class="follow-badge__dot">
            <Icon name={follows() ? 'check' : 'plus'} size={14} />
          </span>
        </button>
      </Show>
    </div>
  );
}
