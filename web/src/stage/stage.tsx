// The full-screen stage: three pages on a pager, moved by finger, wheel and keys. Wires gestures to the controller;
// what a page shows is slide.tsx.

import { createEffect, createMemo, For, on, onCleanup, onMount, untrack } from 'solid-js';
import { commandOf } from '../gestures/keys';
import { Pager } from '../gestures/pager';
import { releaseStep } from '../gestures/swipe';
import { TapReader } from '../gestures/taps';
import { listenTouch } from '../gestures/touch';
import { WheelGate, wheelPx } from '../gestures/wheel';
import { m } from '../messages';
import { setCardHeight } from '../player/engine';
import { ringPositions, slotOf } from '../player/ring';
import { online } from '../state/online';
import { reducedMotion } from '../state/prefs';
import { type Actions, createActions } from './actions';
import { StageController } from './controller';
import { Hearts, Slide } from './slide';
import type { FeedSource } from './source';
import './stage.css';
import './rail.css';
import './overlay.css';

export interface StageProps {
  source: FeedSource;
  onComments: () => void;
  ref?: (actions: Actions, stage: StageController) => void;
}

export function Stage(props: StageProps) {
  const stage = new StageController(untrack(() => props.source));
  const actions = createActions(stage, () => props.onComments());
  const pages: HTMLElement[] = [];
  let root!: HTMLElement;
  let place: (() => void) | undefined;
  const positions = createMemo(() => ringPositions(stage.center()));

  onMount(() => {
    const pager = new Pager(stage.active(), {
      place: (position) => placePages(pages, stage.center(), position),
      onHalf: () => stage.onHalf(),
      reducedMotion,
    });
    place = () => pager.place();
    stage.turnTo = (index) => pager.settle(index);
    stage.halfIndex = () => pager.half;
    stage.shows = (index) => pager.shows(index);
    onCleanup(listenTouch(root, dragHandlers(root, pager, stage), tapReader(actions)));
    onCleanup(listenWheel(root, actions));
    onCleanup(listenKeys(actions));
    const sizes = new ResizeObserver(() => setCardHeight(root.clientHeight));
    sizes.observe(root);
    onCleanup(() => sizes.disconnect());
    props.ref?.(actions, stage);
  });
  // A page that takes another place in the ring must stand there before it is seen.
  createEffect(on(positions, () => place?.(), { defer: true }));
  createEffect(on([stage.source.items, online], () => stage.refill()));
  onCleanup(() => void stage.dispose());

  return (
    <section class="stage" ref={root} aria-label={m.feed.label} id="stage" tabindex="-1">
      <For each={stage.slots}>
        {(slot, number) => (
          <Slide
            ref={(element) => {
              pages[number()] = element;
            }}
            stage={stage}
            actions={actions}
            slot={slot}
            index={positions()[number()] as number}
          />
        )}
      </For>
      <Hearts actions={actions} />
    </section>
  );
}

function placePages(pages: HTMLElement[], center: number, position: number): void {
  for (const index of ringPositions(center)) {
    const page = pages[slotOf(index)];
    if (page) page.style.transform = `translate3d(0, ${((index - position) * 100).toFixed(3)}%, 0)`;
  }
}

function dragHandlers(root: HTMLElement, pager: Pager, stage: StageController) {
  const height = () => Math.max(root.clientHeight, 1);
  return {
    grab: () => pager.grab(),
    drag: (movedPx: number) => {
      const active = stage.active();
      const bounds = { min: Math.max(active - 1, 0), max: Math.min(active + 1, stage.lastIndex) };
      pager.drag(-movedPx / height(), bounds);
    },
    release: (_movedPx: number, speedPx: number, timeMs: number) => {
      const speed = -speedPx / height();
      const step = releaseStep(pager.movedFrom(stage.active()), speed);
      if (step === 0 || !stage.go(step, { key: 'touch', timeMs })) pager.settle(stage.active(), 0);
      else pager.settle(stage.active(), speed);
    },
  };
}

const tapReader = (actions: Actions): TapReader =>
  new TapReader({
    single: () => actions.pause(),
    double: (at) => actions.likeAt(at),
    long: () => actions.menu(),
  });

function listenWheel(root: HTMLElement, actions: Actions): () => void {
  const gate = new WheelGate();
  const onWheel = (event: WheelEvent) => {
    if (event.ctrlKey) return;
    event.preventDefault();
    const step = gate.push(wheelPx(event, root.clientHeight), event.timeStamp);
    if (step !== 0) actions.go(step, { key: 'wheel', timeMs: event.timeStamp });
  };
  root.addEventListener('wheel', onWheel, { passive: false });
  return () => root.removeEventListener('wheel', onWheel);
}

function listenKeys(actions: Actions): () => void {
  const onKey = (event: KeyboardEvent) => {
    const command = commandOf(event);
    if (!command) return;
    event.preventDefault();
    if (event.repeat && !['next', 'previous', 'back', 'forward'].includes(command)) return;
    actions.run(command, { key: event.key, timeMs: event.timeStamp });
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
