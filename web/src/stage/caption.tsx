// Who made it and what they say: name, caption with its tags marked, the sound's title. Text only, never markup.

import { createMemo, createSignal, For, Show } from 'solid-js';
import type { FeedItem } from '../api/wire';
import { Icon } from '../components/icon';
import { m } from '../messages';
import { Link, routes } from '../router';

const LONG_CHARS = 90;

interface Piece {
  text: string;
  kind: 'text' | 'tag' | 'person';
}

/** Splits a caption into plain text, #tags and @people. */
export function captionPieces(caption: string): Piece[] {
  const pieces = caption.split(/([#@][\p{L}\p{N}_]+)/u).filter((text) => text !== '');
  return pieces.map((text) => ({
    text,
    kind: text[0] === '#' ? 'tag' : text[0] === '@' ? 'person' : 'text',
  }));
}

// Tags that the caption does not spell out follow it.
function wholeCaption(item: FeedItem): string {
  const { caption, hashtags } = item.video;
  const spelled = caption.toLowerCase();
  const rest = hashtags.filter((tag) => !spelled.includes(`#${tag.toLowerCase()}`));
  return [caption, ...rest.map((tag) => `#${tag}`)].filter(Boolean).join(' ');
}

export function Caption(props: { item: FeedItem }) {
  const [open, setOpen] = createSignal(false);
  const text = createMemo(() => wholeCaption(props.item));
  const creator = () => props.item.video.creator;
  const sound = () => props.item.video.sound?.title ?? m.video.originalSound(creator().displayName);
  return (
    <div class="caption">
      <Show when={props.item.sponsored}>
        <span class="caption__sponsored">{m.video.sponsored}</span>
      </Show>
      <Link class="caption__name" href={routes.profile(creator().username)}>
        <bdi>@{creator().username}</bdi>
      </Link>
      <Show when={text()}>
        <p class="caption__text" classList={{ 'is-open': open() }} dir="auto">
          <For each={captionPieces(text())}>{(piece) => <CaptionPiece piece={piece} />}</For>
        </p>
      </Show>
      <Show when={text().length > LONG_CHARS}>
        <button type="button" class="caption__more" aria-expanded={open()} onClick={() => setOpen(!open())}>
          {open() ? m.video.captionLess : m.video.captionMore}
        </button>
      </Show>
      <p class="caption__sound">
        <Icon name="note" size={14} />
        <span>{sound()}</span>
      </p>
    </div>
  );
}

function CaptionPiece(props: { piece: Piece }) {
  return (
    <Show when={props.piece.kind === 'person'} fallback={<PlainPiece piece={props.piece} />}>
      <Link class="caption__tag" href={routes.profile(props.piece.text.slice(1).toLowerCase())}>
        {props.piece.text}
      </Link>
    </Show>
  );
}

const PlainPiece = (props: { piece: Piece }) => (
  <span classList={{ caption__tag: props.piece.kind === 'tag' }}>{props.piece.text}</span>
);
