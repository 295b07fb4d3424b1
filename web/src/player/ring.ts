// Three players for an endless list: video number i is always shown by slot i mod 3, so the one on screen keeps its
// element while the list moves on. Decides which slot holds which number; the slots play.

export const RING_SIZE = 3;

/** The slot that shows list position `index`. */
export const slotOf = (index: number): number => ((index % RING_SIZE) + RING_SIZE) % RING_SIZE;

/** The list position that each slot holds while `active` is on screen (one before, itself, one after). */
export function ringPositions(active: number): number[] {
  const positions = new Array<number>(RING_SIZE);
  for (const index of [active - 1, active, active + 1]) positions[slotOf(index)] = index;
  return positions;
}
