// One page of the stage: placeholder, poster and player in a card, with caption, progress and rail over or beside it.
// The <video> element stays in the card for good; only the words around it change with the item.

import { createMemo, For, Show } from 'solid-js';
import type { FeedItem } from '../api/wire';
import { Icon } from '../components/icon';
import { m } from '../messages';
import type { PlayerSlot } from '../player/slot';
import { thumbhashUrl } from '../player/thumbhash';
import { prefs } from '../state/prefs';
import type { Actions } from './actions';
import { Caption } from './caption';
import type { StageController } from './controller';
import { Progress } from './progress';
import { Rail } from './rail';
import { TailCard } from './tail-card';

interface SlideProps {
  ref: (element: HTMLElement) => void;
  stage: StageController;
  actions: Actions;
  slot: PlayerSlot;
  index: number;
}

/** Tall enough to fill the screen by cropping a little at the sides; everything wider is shown whole. */
const COVER_RATIO_MAX = 0.7;

export function Slide(props: SlideProps) {
  const item = createMemo(() => props.stage.itemAt(props.index));
  const isActive = () => props.index === props.stage.active();
  const isTail = () => !item() && props.index >= 0 && props.index === props.stage.lastIndex;
  return (
    <article
      class="slide"
      ref={props.ref}
      classList={{ 'is-active': isActive() }}
      data-index={props.index}
      data-video-id={item()?.video.id}
      aria-hidden={!isActive()}
      inert={!isActive()}
      aria-label={item()?.video.caption || m.feed.label}
    >
      <div class="slide__card" classList={{ 'is-cover': isCover(item()) }}>
        <Backdrop item={item()} />
        {props.slot.element}
        <Show when={item()} keyed>
          {(shown) => (
            <Overlay
              item={shown}
              stage={props.stage}
              actions={props.actions}
              slot={props.slot}
              active={isActive()}
            />
          )}
        </Show>
        <Show when={isTail()}>
          <TailCard stage={props.stage} />
        </Show>
      </div>
      <Show when={item()} keyed>
        {(shown) => <Rail item={shown} actions={props.actions} />}
      </Show>
    </article>
  );
}

const isCover = (item: FeedItem | undefined): boolean =>
  item !== undefined && item.video.width / Math.max(item.video.height, 1) <= COVER_RATIO_MAX;

// Never black: a thumbhash at once, the poster over it, the video over both. The blurred copy fills the bars beside
// a clip that is not tall.
function Backdrop(props: { item: FeedItem | undefined }) {
  const poster = () => props.item?.video.playback?.poster;
  const tiny = () => thumbhashUrl(props.item?.video.playback?.thumbhash);
  return (
    <div class="backdrop" aria-hidden="true">
      <Show when={tiny()}>
        <img class="backdrop__tiny" src={tiny()} alt="" />
      </Show>
      <Show when={poster()} keyed>
        {(src) => (
          <>
            <Show when={!isCover(props.item)}>
              <img class="backdrop__blur" src={src} alt="" draggable={false} />
            </Show>
            <img class="backdrop__poster" src={src} alt="" draggable={false} />
          </>
        )}
      </Show>
    </div>
  );
}

interface OverlayProps {
  item: FeedItem;
  stage: StageController;
  actions: Actions;
  slot: PlayerSlot;
  active: boolean;
}

function Overlay(props: OverlayProps) {
  const quiet = () => props.active && props.actions.dismissed()?.video.id === props.item.video.id;
  return (
    <>
      <div class="slide__scrim" aria-hidden="true" />
      <Show when={props.active}>
        <Glyph stage={props.stage} />
        <SoundButton stage={props.stage} />
      </Show>
      <Caption item={props.item} />
      <Show when={props.active}>
        <Progress item={props.item} stage={props.stage} slot={props.slot} />
      </Show>
      <Show when={quiet()}>
        <div class="dismissed" role="status" data-no-drag>
          <p class="dismissed__title">{m.menu.notInterestedDone}</p>
          <p>{m.menu.notInterestedHint}</p>
          <button type="button" class="button" onClick={() => props.actions.undoDismiss()}>
            {m.menu.undo}
          </button>
        </div>
      </Show>
      <Show when={props.active && props.stage.failed()}>
        <div class="dismissed" role="alert" data-no-drag>
          <p class="dismissed__title">{m.feed.videoFailed}</p>
          <button type="button" class="button" onClick={() => void props.stage.retry()}>
            {m.feed.retry}
          </button>
        </div>
      </Show>
    </>
  );
}

/** Hearts where the finger was, over whatever slide is on screen. */
export function Hearts(props: { actions: Actions }) {
  return (
    <For each={props.actions.hearts()}>
      {(heart) => (
        <span
          class="heart"
          aria-hidden="true"
          style={{ left: `${heart.x}px`, top: `${heart.y}px`, '--tilt': `${heart.tilt}deg` }}
        >
          <Icon name="heart" filled size={104} />
        </span>
      )}
    </For>
  );
}

function Glyph(props: { stage: StageController }) {
  return (
    <Show when={props.stage.paused()}>
      <span class="glyph" aria-hidden="true">
        <Icon name="play" filled size={40} />
      </span>
    </Show>
  );
}

function SoundButton(props: { stage: StageController }) {
  const silent = () => prefs().muted || props.stage.soundRefused();
  return (
    <button
      type="button"
      class="sound-button"
      classList={{ 'is-labelled': props.stage.soundRefused() }}
      aria-label={silent() ? m.video.unmute : m.video.mute}
      aria-pressed={!silent()}
      onClick={() => props.stage.toggleMute()}
    >
      <Icon name={silent() ? 'soundOff' : 'soundOn'} size={22} />
      <Show when={props.stage.soundRefused()}>
        <span>{m.feed.tapForSound}</span>
      </Show>
    </button>
  );
}
