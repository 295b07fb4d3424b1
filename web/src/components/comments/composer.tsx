// Where a comment is written. Keeps the words when posting fails; asks guests to log in.

import { createEffect, createSignal, on, Show } from 'solid-js';
import { viewer } from '../../api/auth';
import { m } from '../../messages';
import { limits } from '../../state/config';
import { askSignIn } from '../../state/dialogs';
import { Avatar } from '../avatar';
import { Icon } from '../icon';
import type { Row } from './thread';

const WARN_LEFT = 40;

interface ComposerProps {
  replyTo: Row | undefined;
  onCancelReply: () => void;
  onPost: (text: string) => Promise<boolean>;
}

export function Composer(props: ComposerProps) {
  const [text, setText] = createSignal('');
  let field!: HTMLTextAreaElement;
  const left = () => limits().commentCharsMax - [...text()].length;
  const canPost = () => text().trim() !== '' && left() >= 0;
  createEffect(
    on(
      () => props.replyTo,
      (row) => row && field?.focus(),
      { defer: true },
    ),
  );

  const post = async (event: Event) => {
    event.preventDefault();
    const words = text().trim();
    if (!canPost()) return;
    setText('');
    const posted = props.onPost(words);
    props.onCancelReply();
    if (!(await posted) && text() === '') setText(words);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void post(event);
  };
  return (
    <Show
      when={viewer()}
      keyed
      fallback={
        <div class="composer">
          <button type="button" class="button button--wide" onClick={() => askSignIn('comment')}>
            {m.comments.signIn}
          </button>
        </div>
      }
    >
      {(me) => (
        <form class="composer" onSubmit={(event) => void post(event)}>
          <Show when={props.replyTo} keyed>
            {(row) => (
              <p class="composer__reply">
                <span>{m.comments.replyingTo(row.comment.author.displayName)}</span>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={m.comments.cancelReply}
                  onClick={() => props.onCancelReply()}
                >
                  <Icon name="close" size={16} />
                </button>
              </p>
            )}
          </Show>
          <Avatar id={me.id} name={me.displayName} size={36} />
          <textarea
            ref={field}
            class="composer__field"
            rows="1"
            dir="auto"
            aria-label={m.comments.placeholder}
            placeholder={m.comments.placeholder}
            value={text()}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={onKey}
          />
          <button type="submit" class="composer__post" disabled={!canPost()}>
            {m.comments.post}
          </button>
          <Show when={left() <= WARN_LEFT}>
            <p class="composer__left" classList={{ 'is-over': left() < 0 }}>
              {m.comments.left(left())}
            </p>
          </Show>
        </form>
      )}
    </Show>
  );
}
