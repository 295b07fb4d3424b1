// The small forms of the operator's pages: a big rate with its line, a list of facts, a stage of the flow.

import { createMemo, type JSX, Show } from 'solid-js';
import { pipeSeconds } from './drawing';
import type { Point } from './history';
import type { Live } from './live';
import { am } from './messages';
import { Sparkline } from './sparkline';
import type { Flow, Stage } from './wire';

/** A number, or a dash where it is not known. */
export const shown = (
  value: number | null | undefined,
  say: (value: number) => string = am.number,
): string => (value === null || value === undefined ? am.unknown : say(value));

/** How much a total grows a second, big, over its line. */
export function BigRate(props: { live: Live; what: string; pick: (flow: Flow) => number | undefined }) {
  const points = createMemo(() => props.live.rates(props.pick));
  return (
    <div class="flow-big">
      <p class="flow-big__value">
        <span class="flow-big__number">{shown(props.live.rate(props.pick))}</span>
        <span class="flow-big__unit">{am.perSecond}</span>
      </p>
      <p class="flow-big__what">{props.what}</p>
      <Line live={props.live} points={points()} what={props.what} />
    </div>
  );
}

/** The line of a rate. */
export function Line(props: { live: Live; points: Point[]; what: string }) {
  return (
    <Sparkline
      points={props.points}
      nowMs={props.live.flow().atMs}
      label={(peak) => am.sparkRate(props.what, am.number(peak))}
    />
  );
}

/** One line of a list of facts; `level` colours what is wrong. */
export function Fact(props: {
  name: string;
  value: string;
  hint?: string;
  level?: 'bad' | 'warn' | undefined;
}) {
  return (
    <div class="flow-fact" classList={{ 'is-bad': props.level === 'bad', 'is-warn': props.level === 'warn' }}>
      <dt title={props.hint}>{props.name}</dt>
      <dd>{props.value}</dd>
    </div>
  );
}

/** The rate of a total as a fact; `level` colours it while it is not zero. */
export function RateFact(props: {
  live: Live;
  name: string;
  pick: (flow: Flow) => number;
  level?: 'bad' | 'warn';
  /** Longer for what comes in bursts. */
  overMs?: number;
}) {
  const rate = () => props.live.rate(props.pick, props.overMs);
  return (
    <Fact
      name={props.name}
      value={shown(rate()) + am.perSecond}
      level={(rate() ?? 0) > 0 ? props.level : undefined}
    />
  );
}

/** A stage of the flow: a card with its name. The pipe that leads on to the next one moves with what flows through it. */
export function StageCard(props: {
  stage: Exclude<Stage, 'feed' | 'media'>;
  level: 'bad' | 'warn' | undefined;
  /** What leaves it a second; undefined for the last one. */
  flows?: number | null;
  children: JSX.Element;
}) {
  return (
    <>
      <li
        class={`flow-stage flow-stage--${props.stage}`}
        classList={{ 'is-bad': props.level === 'bad', 'is-warn': props.level === 'warn' }}
      >
        <h2 class="flow-stage__name">{am.stages[props.stage]}</h2>
        <p class="flow-stage__hint">{am.stageHints[props.stage]}</p>
        {props.children}
      </li>
      <Show when={props.flows !== undefined}>
        <Pipe rate={props.flows ?? 0} />
      </Show>
    </>
  );
}

function Pipe(props: { rate: number }) {
  return (
    <li class="flow-pipe" classList={{ 'is-still': props.rate <= 0 }} aria-hidden="true">
      <span
        class="flow-pipe__flow"
        style={{ 'animation-duration': `${pipeSeconds(props.rate).toFixed(1)}s` }}
      />
    </li>
  );
}
