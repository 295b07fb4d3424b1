// The table of what did not go on: every reason that ever happened since the start, the gravest first, with its rate now.

import { createMemo, For, Show } from 'solid-js';
import { jobName } from './jobs';
import type { Live } from './live';
import { am, named } from './messages';
import { sorted } from './tables';
import type { Drop, Flow } from './wire';

const keyOf = (drop: Drop): string => [drop.metric, drop.place ?? '', drop.reason].join('\n');

export function Drops(props: { live: Live }) {
  const drops = createMemo(() => new Map(sorted(props.live.flow().drops).map((drop) => [keyOf(drop), drop])));
  const keys = createMemo(() => [...drops().keys()], [], { equals: (a, b) => a.join('\t') === b.join('\t') });
  return (
    <section class="flow-panel" aria-labelledby="drops-title">
      <h2 class="flow-panel__title" id="drops-title">
        {am.drops.title}
      </h2>
      <p class="flow-panel__lead">{am.drops.lead}</p>
      <Show when={keys().length > 0} fallback={<p class="flow-panel__empty">{am.drops.none}</p>}>
        <table class="flow-drops">
          <thead>
            <tr>
              <th scope="col">{am.drops.columns.what}</th>
              <th scope="col">{am.drops.columns.where}</th>
              <th scope="col" class="is-number">
                {am.drops.columns.now}
              </th>
              <th scope="col" class="is-number">
                {am.drops.columns.total}
              </th>
            </tr>
          </thead>
          <tbody>
            <For each={keys()}>
              {(key) => (
                <Show when={drops().get(key)}>
                  {(drop) => <DropRow live={props.live} drop={drop()} key={key} />}
                </Show>
              )}
            </For>
          </tbody>
        </table>
      </Show>
    </section>
  );
}

function DropRow(props: { live: Live; drop: Drop; key: string }) {
  const total = (flow: Flow) => flow.drops.find((drop) => keyOf(drop) === props.key)?.total ?? 0;
  const rate = () => props.live.rate(total) ?? 0;
  const words = () => {
    const { metric, kind } = props.drop;
    if (metric === 'riffle_collector_odd_total' && kind === 'lost') return am.drops.lostOddity;
    return named(am.drops.words, metric);
  };
  const reason = () => (props.drop.reason ? named(am.drops.reasons, props.drop.reason) : '');
  const where = () => {
    const { stage, place } = props.drop;
    const name = stage === 'jobs' && place ? jobName(place) : place?.replaceAll('_', ' ');
    return name ? `${am.stages[stage]} · ${name}` : am.stages[stage];
  };
  const active = () => rate() > 0 && props.drop.kind !== 'expected';
  return (
    <tr class="flow-drop" classList={{ 'is-active': active(), 'is-lost': props.drop.kind === 'lost' }}>
      <th scope="row" class="flow-drop__what" title={props.drop.metric}>
        <span class="flow-drop__words">
          {words()}
          <Show when={reason()}>
            <span class="flow-drop__reason">{reason()}</span>
          </Show>
          <span class={`flow-chip flow-chip--${props.drop.kind}`} title={am.drops.kindHints[props.drop.kind]}>
            {am.drops.kinds[props.drop.kind]}
          </span>
        </span>
      </th>
      <td class="flow-drop__where">{where()}</td>
      <td class="is-number flow-drop__now">
        {rate() > 0 ? `${am.number(rate())}${am.perSecond}` : am.unknown}
      </td>
      <td class="is-number flow-drop__total">{am.whole(props.drop.total)}</td>
    </tr>
  );
}
