// A line of the last two minutes, drawn small. It has no axes: the number beside it says how much, the line says which way.

import { createMemo, type JSX } from 'solid-js';
import { HEIGHT, lineOf, WIDTH } from './drawing';
import type { Point } from './history';

export function Sparkline(props: {
  points: Point[];
  nowMs: number;
  label: (peak: number) => string;
}): JSX.Element {
  const drawn = createMemo(() => lineOf(props.points, props.nowMs));
  return (
    <svg
      class="flow-spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={props.label(drawn().peak)}
    >
      <path class="flow-spark__area" d={drawn().area} />
      <path class="flow-spark__line" d={drawn().line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
