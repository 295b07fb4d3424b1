// The comments of the video on screen: a sheet from the bottom on a phone, a panel beside the video where there is room.

import { createEffect, createMemo, createSignal, For, type JSX, on, onMount, Show } from 'solid-js';
import type { Video } from '../../api/wire';
import { ago, m } from '../../messages';
import { Link, routes } from '../../router';
import { countsOf } from '../../state/engagement';
import { isWide } from '../../state/prefs';
import { Avatar } from '../avatar';
import { Icon } from '../icon';
import { Sheet } from '../sheet';
import { Composer } from './composer';
import { createThread, type Row, type Thread } from './thread';
import './comments.css';

export function Comments(props: { video: Video; onClose: () => void }) {
  const title = () => m.comments.title(countsOf(props.video).comments);
  const body = <ThreadView video={props.video} />;
  return (
    <Show
      when={isWide()}
      fallback={
        <Sheet title={title()} tall onClose={props.onClose}>
          {body}
        </Sheet>
      }
    >
      <Panel title={title()} onClose={props.onClose}>
        {body}
      </Panel>
    </Show>
  );
}

function Panel(props: { title: string; onClose: () => void; children: JSX.Element }) {
  let close!: HTMLButtonElement;
  onMount(() => close.focus({ preventScroll: true }));
  return (
    <aside class="panel" aria-label={props.title}>
      <header class="panel__head">
        <h2 class="sheet__title">{props.title}</h2>
        <button
          ref={close}
          type="button"
          class="icon-button"
          aria-label={m.dialog.close}
          onClick={() => props.onClose()}
        >
          <Icon name="close" size={22} />
        </button>
      </header>
      {props.children}
    </aside>
  );
}

function ThreadView(props: { video: Video }) {
  const thread = createMemo(() => createThread(props.video));
  const [replyTo, setReplyTo] = createSignal<Row | undefined>();
  createEffect(
    on(thread, (t) => {
      setReplyTo(undefined);
      void t.load(null);
    }),
  );
  return (
    <>
      <div class="comments">
        <Show when={thread().rows().length > 0} fallback={<ThreadState thread={thread()} />}>
          <ul class="comments__list">
            <For each={thread().rows()}>
              {(row) => <CommentRow row={row} thread={thread()} onReply={() => setReplyTo(row)} />}
            </For>
          </ul>
          <Show when={thread().cursor()}>
            <button
              type="button"
              class="button button--quiet"
              onClick={() => void thread().load(thread().cursor())}
            >
              {m.comments.more}
            </button>
          </Show>
        </Show>
      </div>
      <Composer
        replyTo={replyTo()}
        onCancelReply={() => setReplyTo(undefined)}
        onPost={(text) => thread().post(text, replyTo())}
      />
    </>
  );
}

function ThreadState(props: { thread: Thread }) {
  return (
    <Show when={props.thread.status() !== 'loading'} fallback={<ThreadSkeleton />}>
      <div class="comments__empty">
        <Show when={props.thread.status() === 'error'} fallback={<p>{m.comments.empty}</p>}>
          <p role="alert">{m.comments.loadFailed}</p>
          <button type="button" class="button" onClick={() => void props.thread.load(null)}>
            {m.feed.retry}
          </button>
        </Show>
      </div>
    </Show>
  );
}

const ThreadSkeleton = () => (
  <div class="comments__skeleton" aria-hidden="true">
    <For each={[78, 55, 90, 64]}>
      {(width) => (
        <div class="comment">
          <span class="skeleton comments__dot" />
          <span class="skeleton comments__bar" style={{ width: `${width}%` }} />
        </div>
      )}
    </For>
  </div>
);

function CommentRow(props: { row: Row; thread: Thread; onReply: () => void }) {
  const { thread } = props;
  const hidden = () => props.row.comment.replyCount - (props.row.repliesOpen ? props.row.replies.length : 0);
  return (
    <li>
      <CommentBody row={props.row} onReply={props.onReply} />
      <Show when={props.row.repliesOpen}>
        <ul class="comment__replies">
          <For each={props.row.replies}>
            {(reply) => (
              <li>
                <CommentBody row={reply} onReply={props.onReply} />
              </li>
            )}
          </For>
        </ul>
      </Show>
      <Show when={hidden() > 0}>
        <button type="button" class="comment__more" onClick={() => void thread.openReplies(props.row)}>
          {m.comments.viewReplies(hidden())}
        </button>
      </Show>
      <Show when={props.row.repliesOpen && hidden() <= 0 && props.row.replies.length > 0}>
        <button type="button" class="comment__more" onClick={() => thread.closeReplies(props.row)}>
          {m.comments.hideReplies}
        </button>
      </Show>
    </li>
  );
}

function CommentBody(props: { row: Row; onReply: () => void }) {
  const comment = () => props.row.comment;
  return (
    <div class="comment" classList={{ 'is-pending': props.row.pending }} data-comment-id={comment().id}>
      <Avatar id={comment().author.id} name={comment().author.displayName} size={36} />
      <div class="comment__body">
        <Link class="comment__author" href={routes.profile(comment().author.username)}>
          <bdi>{comment().author.displayName}</bdi>
        </Link>
        <p class="comment__text" dir="auto">
          {comment().text}
        </p>
        <p class="comment__meta">
          <span>{props.row.pending ? m.comments.sending : ago(comment().createdAtMs)}</span>
          <Show when={!props.row.pending}>
            <button type="button" class="comment__reply" onClick={() => props.onReply()}>
              {m.comments.reply}
            </button>
          </Show>
        </p>
      </div>
    </div>
  );
}
