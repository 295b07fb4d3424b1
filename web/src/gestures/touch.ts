// Listens to one finger (or pen) on an element and reports a vertical drag, or a tap that never became one. Mouse
// buttons only tap. Meanings are given by swipe.ts and taps.ts.

import { SpeedMeter } from './swipe';
import type { Point, TapReader } from './taps';

const SLOP_PX = 8;

export interface DragHandlers {
  /** The finger is down: a running animation stops under it. */
  grab(): void;
  drag(movedPx: number): void;
  /** Speed in pixels per second, downwards positive; `timeMs` is the time of the release. */
  release(movedPx: number, speedPx: number, timeMs: number): void;
}

/** Starts listening; the answer stops it. Targets inside `[data-no-drag]` keep their own gestures. */
export function listenTouch(element: HTMLElement, drag: DragHandlers, taps: TapReader): () => void {
  let start: (Point & { id: number; dragging: boolean; canDrag: boolean }) | undefined;
  let meter = new SpeedMeter();

  const onDown = (event: PointerEvent) => {
    const target = event.target as Element;
    if (start || event.button !== 0 || target.closest('[data-no-drag]')) return;
    const canDrag = event.pointerType !== 'mouse';
    start = { x: event.clientX, y: event.clientY, id: event.pointerId, dragging: false, canDrag };
    meter = new SpeedMeter();
    meter.add(event.clientY, event.timeStamp);
    if (canDrag) drag.grab();
    if (!target.closest('button, a, input')) taps.down(start);
  };
  const onMove = (event: PointerEvent) => {
    if (start?.id !== event.pointerId) return;
    const moved = event.clientY - start.y;
    if (Math.hypot(moved, event.clientX - start.x) > SLOP_PX) taps.cancel();
    if (!start.canDrag) return;
    if (!start.dragging && Math.abs(moved) > SLOP_PX) {
      start.dragging = true;
      element.setPointerCapture(event.pointerId);
    }
    meter.add(event.clientY, event.timeStamp);
    if (start.dragging) drag.drag(moved);
  };
  const onEnd = (event: PointerEvent) => {
    if (start?.id !== event.pointerId) return;
    const { dragging, canDrag, y } = start;
    start = undefined;
    const at = { x: event.clientX, y: event.clientY };
    if (event.type === 'pointerup') taps.up(at, event.timeStamp);
    else taps.cancel();
    if (!canDrag) return;
    const speed = dragging ? meter.speed(event.timeStamp) : 0;
    drag.release(dragging ? event.clientY - y : 0, speed, event.timeStamp);
  };

  element.addEventListener('pointerdown', onDown);
  element.addEventListener('pointermove', onMove);
  element.addEventListener('pointerup', onEnd);
  element.addEventListener('pointercancel', onEnd);
  return () => {
    element.removeEventListener('pointerdown', onDown);
    element.removeEventListener('pointermove', onMove);
    element.removeEventListener('pointerup', onEnd);
    element.removeEventListener('pointercancel', onEnd);
  };
}
