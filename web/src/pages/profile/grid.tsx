// A person's videos as a grid of posters that play muted while the mouse rests on them. One player for the whole grid.

import { createResource, createSignal, For, onCleanup, Show } from 'solid-js';
import { userVideos, videoDelete } from '../../api/endpoints';
import type { User, Video } from '../../api/wire';
import { Icon } from '../../components/icon';
import { Notice } from '../../components/notice';
import { Sheet } from '../../components/sheet';
import { m } from '../../messages';
import { slotHost } from '../../player/engine';
import { PlayerSlot } from '../../player/slot';
import { thumbhashUrl } from '../../player/thumbhash';
import { Link, routes } from '../../router';
import { toast, toastError } from '../../state/toasts';

const PAGE_COUNT = 24;
const POLL_MS = 3000;

export function VideoGrid(props: { user: User; isSelf: boolean }) {
  const [videos, setVideos] = createSignal<Video[]>([]);
  const [cursor, setCursor] = createSignal<string | null>(null);
  const [doomed, setDoomed] = createSignal<Video | null>(null);
  const [loading, { refetch }] = createResource(async () => {
    try {
      const page = await userVideos(props.user.id, cursor(), PAGE_COUNT);
      setVideos((known) => [...known, ...page.items]);
      setCursor(page.cursor);
    } catch (error) {
      toastError(error);
    }
    return true;
  });
  const player = new PlayerSlot(slotHost);
  onCleanup(() => void player.dispose());
  pollWhileProcessing(videos, async () => {
    const page = await userVideos(props.user.id, null, PAGE_COUNT);
    const fresh = new Map(page.items.map((video) => [video.id, video]));
    setVideos((known) => known.map((video) => fresh.get(video.id) ?? video));
  });
  const remove = async (video: Video) => {
    setDoomed(null);
    try {
      await videoDelete(video.id);
      setVideos((known) => known.filter((v) => v.id !== video.id));
      toast(m.profile.removed);
    } catch (error) {
      toastError(error, m.profile.removeFailed);
    }
  };
  return (
    <section aria-label={m.profile.videos}>
      <Show
        when={videos().length > 0}
        fallback={<GridState ready={loading.state === 'ready'} isSelf={props.isSelf} />}
      >
        <ul class="grid">
          <For each={videos()}>
            {(video) => (
              <Tile
                video={video}
                player={player}
                onRemove={props.isSelf ? () => setDoomed(video) : undefined}
              />
            )}
          </For>
        </ul>
      </Show>
      <Show when={cursor()}>
        <button type="button" class="button button--wide grid__more" onClick={() => void refetch()}>
          {m.profile.more}
        </button>
      </Show>
      <Show when={doomed()} keyed>
        {(video) => <RemoveSheet onConfirm={() => void remove(video)} onClose={() => setDoomed(null)} />}
      </Show>
    </section>
  );
}

const isUnderway = (video: Video): boolean =>
  video.status === 'processing' || (video.status === 'published' && video.progress < 1);

function pollWhileProcessing(videos: () => Video[], reload: () => Promise<void>): void {
  const timer = setInterval(() => {
    if (!document.hidden && videos().some(isUnderway)) void reload().catch(() => undefined);
  }, POLL_MS);
  onCleanup(() => clearInterval(timer));
}

function GridState(props: { ready: boolean; isSelf: boolean }) {
  return (
    <Show
      when={props.ready}
      fallback={
        <div class="grid" aria-hidden="true">
          <For each={[1, 2, 3, 4, 5, 6]}>{() => <span class="tile skeleton" />}</For>
        </div>
      }
    >
      <Notice icon="film" title={props.isSelf ? m.profile.emptyOwn : m.profile.empty}>
        <Show when={props.isSelf}>
          <Link class="button button--accent" href={routes.upload}>
            {m.profile.emptyOwnAction}
          </Link>
        </Show>
      </Notice>
    </Show>
  );
}

interface TileProps {
  video: Video;
  player: PlayerSlot;
  onRemove?: (() => void) | undefined;
}

function Tile(props: TileProps) {
  let frame!: HTMLSpanElement;
  const canPlay = () => props.video.playback !== undefined;
  const play = (event: PointerEvent) => {
    if (event.pointerType !== 'mouse' || !canPlay()) return;
    frame.append(props.player.element);
    void props.player.load(props.video);
    void props.player.activate({ muted: true, rate: 1 });
  };
  const stop = () => props.player.rest();
  const views = () => m.profile.views(props.video.counts.views);
  return (
    <li class="tile" data-status={props.video.status} onPointerEnter={play} onPointerLeave={stop}>
      <span class="tile__frame" ref={frame} aria-hidden="true">
        <Show when={props.video.playback} keyed>
          {(playback) => (
            <img
              src={playback.poster}
              alt=""
              loading="lazy"
              style={{ 'background-image': `url(${thumbhashUrl(playback.thumbhash)})` }}
            />
          )}
        </Show>
      </span>
      <Show when={canPlay()}>
        <Link
          class="tile__link"
          href={routes.video(props.video.id)}
          aria-label={m.profile.open(props.video.caption, views())}
        />
        <span class="tile__views" aria-hidden="true">
          <Icon name="play" size={14} filled />
          {m.count(props.video.counts.views)}
        </span>
      </Show>
      <TileState video={props.video} />
      <Show when={props.onRemove && canPlay()}>
        <Link
          class="icon-button tile__reach"
          href={routes.reach(props.video.id)}
          aria-label={m.profile.reach}
        >
          <Icon name="flow" size={18} />
        </Link>
      </Show>
      <Show when={props.onRemove}>
        <button
          type="button"
          class="icon-button tile__remove"
          aria-label={m.profile.remove}
          onClick={() => props.onRemove?.()}
        >
          <Icon name="trash" size={18} />
        </button>
      </Show>
    </li>
  );
}

function TileState(props: { video: Video }) {
  const text = () => {
    if (props.video.status === 'processing' || isUnderway(props.video)) {
      return m.profile.processing(Math.round(props.video.progress * 100));
    }
    if (props.video.status !== 'published') return m.profile.status[props.video.status];
    if (props.video.hidden) return m.profile.hidden;
    return props.video.adultsOnly ? m.profile.adultsOnly : '';
  };
  return (
    <Show when={text()}>
      <p class="tile__state" title={props.video.rejection?.message}>
        {text()}
        <Show when={props.video.rejection} keyed>
          {(rejection) => <span class="tile__why">{rejection.message}</span>}
        </Show>
      </p>
    </Show>
  );
}

function RemoveSheet(props: { onConfirm: () => void; onClose: () => void }) {
  return (
    <Sheet title={m.profile.removeTitle} onClose={props.onClose}>
      <div class="sheet__scroll">
        <p class="notice__text">{m.profile.removeText}</p>
        <div class="notice__actions">
          <button type="button" class="button" onClick={props.onClose}>
            {m.profile.cancel}
          </button>
          <button type="button" class="button button--danger" onClick={props.onConfirm}>
            {m.profile.remove}
          </button>
        </div>
      </div>
    </Sheet>
  );
}
