// A critically damped spring, stepped by real time: it can be caught and thrown again at any moment and never
// overshoots a full-screen page. Knows no DOM.

export interface Motion {
  at: number;
  /** Units per second. */
  speed: number;
}

/** Stiffness as angular frequency; at 22 rad/s a page settles in about 220 ms. */
const OMEGA = 22;
const REST_DISTANCE = 0.0008;
const REST_SPEED = 0.02;

/** The motion after `elapsedS` seconds on the way to `target` (closed form, so frame drops do not change it). */
export function springStep(motion: Motion, target: number, elapsedS: number): Motion {
  const offset = motion.at - target;
  const pull = motion.speed + OMEGA * offset;
  const decay = Math.exp(-OMEGA * elapsedS);
  return {
    at: target + (offset + pull * elapsedS) * decay,
    speed: (motion.speed - OMEGA * pull * elapsedS) * decay,
  };
}

export const isAtRest = (motion: Motion, target: number): boolean =>
  Math.abs(motion.at - target) < REST_DISTANCE && Math.abs(motion.speed) < REST_SPEED;
