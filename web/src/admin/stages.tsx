// Three of the four stages: the door, the log, the stores. The jobs have a file of their own.

import { createMemo, For, type JSX, Show } from 'solid-js';
import type { Live } from './live';
import { am, named } from './messages';
import { BigRate, Fact, RateFact, StageCard, shown } from './parts';
import type { Flow } from './wire';

type Level = 'bad' | 'warn' | undefined;

/** Rows are saved with each checkpoint, and the lake commits once a minute: over less, their rates would be bursts and zeros. */
const SAVED_MS = 30_000;
const LAKE_MS = 120_000;

export function DoorStage(props: { live: Live; level: Level }) {
  const { live } = props;
  const accepted = (flow: Flow) => flow.door.accepted;
  const underWay = () => {
    const grown = live.rate((flow) => flow.door.answeringMs);
    return grown === null ? null : grown / 1_000;
  };
  const answered = () => {
    const at = (q: number) => live.quantile((flow) => flow.door.eventsAnswered, q);
    const [p50, p99] = [at(0.5), at(0.99)];
    return p50 === null || p99 === null ? am.unknown : am.log.commitValue(am.time(p50), am.time(p99));
  };
  return (
    <StageCard stage="door" level={props.level} flows={live.rate(accepted)}>
      <BigRate live={live} what={am.door.rate} pick={accepted} />
      <dl class="flow-facts">
        <Fact name={am.door.answered} value={answered()} hint={am.door.answeredHint} />
        <RateFact live={live} name={am.door.requests} pick={(f) => f.door.requests} />
        <Fact name={am.door.underWay} value={shown(underWay())} hint={am.door.underWayHint} />
        <RateFact live={live} name={am.door.duplicates} pick={(f) => f.door.duplicates} />
        <RateFact live={live} name={am.door.rejected} pick={(f) => f.door.rejected} />
        <RateFact live={live} name={am.door.busy} pick={(f) => f.door.busy} level="warn" />
        <RateFact live={live} name={am.door.failed} pick={(f) => f.door.failed} level="bad" />
      </dl>
    </StageCard>
  );
}

export function LogStage(props: { live: Live; level: Level }) {
  const { live } = props;
  const log = () => live.flow().log;
  const appended = (flow: Flow) => flow.log.records;
  const commit = () => {
    const spread = log().commitMs;
    return spread ? am.log.commitValue(am.time(spread.p50), am.time(spread.p99)) : am.unknown;
  };
  const queue = () => {
    const wait = log().waitEstimateMs;
    return am.log.queueValue(shown(log().queueBytes, am.bytes), wait === null ? null : am.time(wait));
  };
  return (
    <StageCard stage="log" level={props.level} flows={live.rate(appended)}>
      <BigRate live={live} what={am.log.rate} pick={appended} />
      <h3 class="visually-hidden">{am.log.topics}</h3>
      <Bars
        live={live}
        words={am.log.topicNames}
        pick={(flow) => flow.log.topics.map(({ name, records }) => ({ name, total: records }))}
      />
      <dl class="flow-facts">
        <Fact name={am.log.commit} value={commit()} hint={am.log.commitHint} />
        <Fact name={am.log.group} value={shown(log().groupBytes?.p50, am.bytes)} />
        <Fact name={am.log.queue} value={queue()} hint={am.log.queueHint} />
        <Show when={log().keptBytes !== null}>
          <Fact name={am.log.kept} value={am.log.keptValue(am.bytes(log().keptBytes ?? 0), log().segments)} />
        </Show>
        <Show when={(log().heldBytes ?? 0) > 0}>
          <Fact name={am.log.held} value={am.bytes(log().heldBytes ?? 0)} level="warn" />
        </Show>
        <Show when={(log().atRiskBytes ?? 0) > 0}>
          <Fact name={am.log.atRisk} value={am.bytes(log().atRiskBytes ?? 0)} />
        </Show>
      </dl>
    </StageCard>
  );
}

/** The rates of some totals as bars, beside each other. */
function Bars(props: {
  live: Live;
  words: Record<string, string>;
  pick: (flow: Flow) => { name: string; total: number }[];
  overMs?: number;
  fallback?: JSX.Element;
}) {
  const names = createMemo(() => props.pick(props.live.flow()).map((one) => one.name), [], {
    equals: (a, b) => a.join() === b.join(),
  });
  const rate = (name: string) =>
    props.live.rate((flow) => props.pick(flow).find((one) => one.name === name)?.total, props.overMs) ?? 0;
  const highest = createMemo(() => Math.max(1, ...names().map(rate)));
  return (
    <Show when={names().length > 0} fallback={props.fallback}>
      <dl class="flow-bars">
        <For each={names()}>
          {(name) => (
            <div class="flow-bars__row" style={{ '--share': (rate(name) / highest()).toFixed(3) }}>
              <dt>{named(props.words, name)}</dt>
              <dd>
                {am.number(rate(name))}
                {am.perSecond}
              </dd>
            </div>
          )}
        </For>
      </dl>
    </Show>
  );
}

export function StoresStage(props: { live: Live; level: Level }) {
  const { live } = props;
  const flow = () => live.flow();
  const outbox = () => {
    const { waitingRows, oldestAtMs } = flow().outbox;
    if (waitingRows === null) return am.unknown;
    if (waitingRows === 0) return am.stores.outboxEmpty;
    return am.stores.outboxValue(am.number(waitingRows), am.time(flow().atMs - (oldestAtMs ?? flow().atMs)));
  };
  const waited = () => live.quantile((f) => f.metastore.writeWaited, 0.99);
  const failing = (): Level => ((live.rate((f) => f.metastore.failures) ?? 0) > 0 ? 'bad' : undefined);
  return (
    <StageCard stage="stores" level={props.level}>
      <h3 class="flow-stage__part">{am.stores.features}</h3>
      <Bars
        live={live}
        words={am.stores.featureTables}
        pick={(flow) => flow.features.tables.map(({ name, written }) => ({ name, total: written }))}
        overMs={SAVED_MS}
        fallback={<p class="flow-stage__hint">{am.stores.noTables}</p>}
      />
      <Show when={(flow().features.viralVideos ?? 0) > 0}>
        <dl class="flow-facts">
          <Fact
            name={am.stores.viral}
            value={shown(flow().features.viralVideos)}
            hint={am.stores.viralHint}
          />
        </dl>
      </Show>
      <h3 class="flow-stage__part">{am.stores.metastore}</h3>
      <dl class="flow-facts">
        <RateFact live={live} name={am.stores.writes} pick={(f) => f.metastore.writes} />
        <Fact name={am.stores.writeWaited} value={shown(waited(), am.time)} />
        <Fact name={am.stores.failures} value={am.whole(flow().metastore.failures)} level={failing()} />
        <Fact name={am.stores.outbox} value={outbox()} />
        <RateFact live={live} name={am.stores.relayed} pick={(f) => f.outbox.relayed} />
      </dl>
      <h3 class="flow-stage__part">{am.stores.lake}</h3>
      <dl class="flow-facts">
        <RateFact live={live} name={am.stores.lakeRows} pick={(f) => f.lake.rows} overMs={LAKE_MS} />
        <Fact name={am.stores.lakeHeld} value={shown(flow().lake.heldBytes, am.bytes)} />
        <Fact name={am.stores.lakeWritten} value={am.bytes(flow().lake.writtenBytes)} />
      </dl>
      <h3 class="flow-stage__part">{am.stores.media}</h3>
      <dl class="flow-facts">
        <Fact name={am.stores.mediaWaiting} value={shown(flow().media.waiting)} />
        <Fact name={am.stores.mediaRunning} value={am.number(flow().media.running)} />
        <Fact
          name={am.stores.mediaDead}
          value={shown(flow().media.dead)}
          level={(flow().media.dead ?? 0) > 0 ? 'warn' : undefined}
        />
      </dl>
    </StageCard>
  );
}
