// The thin line that shows where the video stands, thickens under a finger and scrubs, with the time and, where the
// server made them, a thumbnail. Written to the element once a frame, outside the reactive graph.

import { createSignal, onCleanup, onMount, Show } from 'solid-js';
import type { FeedItem } from '../api/wire';
import { clock, m } from '../messages';
import type { PlayerSlot } from '../player/slot';
import type { StageController } from './controller';

const KEY_STEP_S = 1;

interface ProgressProps {
  item: FeedItem;
  stage: StageController;
  slot: PlayerSlot;
}

export function Progress(props: ProgressProps) {
  const [scrub, setScrub] = createSignal<number | null>(null);
  const [second, setSecond] = createSignal(0);
  const durationS = () => props.item.video.durationMs / 1000;
  let line!: HTMLSpanElement;
  let track!: HTMLDivElement;

  onMount(() => {
    let frame = 0;
    const draw = () => {
      const share = scrub() ?? props.slot.element.currentTime / Math.max(durationS(), 0.1);
      line.style.transform = `scaleX(${Math.min(Math.max(share, 0), 1)})`;
      setSecond(Math.floor(props.slot.element.currentTime));
      frame = requestAnimationFrame(draw);
    };
    frame = requestAnimationFrame(draw);
    onCleanup(() => cancelAnimationFrame(frame));
  });

  const shareAt = (event: PointerEvent) => {
    const box = track.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / Math.max(box.width, 1), 0), 1);
  };
  const onDown = (event: PointerEvent) => {
    track.setPointerCapture(event.pointerId);
    props.slot.element.pause();
    setScrub(shareAt(event));
  };
  const onMove = (event: PointerEvent) => {
    if (scrub() !== null) setScrub(shareAt(event));
  };
  const onUp = () => {
    const share = scrub();
    if (share === null) return;
    props.stage.seekTo(share * durationS());
    setScrub(null);
    if (!props.stage.paused()) void props.slot.element.play().catch(() => undefined);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') props.stage.seekBy(-KEY_STEP_S);
    else if (event.key === 'ArrowRight') props.stage.seekBy(KEY_STEP_S);
    else if (event.key === 'Home') props.stage.seekTo(0);
    else return;
    event.preventDefault();
  };

  return (
    <div
      ref={track}
      class="progress"
      classList={{ 'is-scrubbing': scrub() !== null, 'is-stalled': props.stage.stalled() }}
      role="slider"
      tabIndex={0}
      data-no-drag
      aria-label={m.video.position}
      aria-valuemin="0"
      aria-valuemax={Math.round(durationS())}
      aria-valuenow={second()}
      aria-valuetext={m.video.positionText(clock(second()), clock(durationS()))}
      onPointerDown={onDown}
      onPointerMove={onMove}
      onPointerUp={onUp}
      onPointerCancel={() => setScrub(null)}
      onKeyDown={onKey}
    >
      <Show when={scrub() !== null}>
        <ScrubBubble item={props.item} share={scrub() ?? 0} />
      </Show>
      <span class="progress__rail">
        <span class="progress__line" ref={line} />
      </span>
    </div>
  );
}

function ScrubBubble(props: { item: FeedItem; share: number }) {
  const durationS = () => props.item.video.durationMs / 1000;
  const thumbnail = () => {
    const list = props.item.video.playback?.thumbnails ?? [];
    return list.length > 1
      ? list[Math.min(Math.floor(props.share * list.length), list.length - 1)]
      : undefined;
  };
  return (
    <div class="bubble" aria-hidden="true">
      <Show when={thumbnail()} keyed>
        {(src) => <img class="bubble__picture" src={src} alt="" />}
      </Show>
      <span>
        {clock(props.share * durationS())} <span class="bubble__of">/ {clock(durationS())}</span>
      </span>
    </div>
  );
}
