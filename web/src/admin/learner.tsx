// The card of the learner: what it has learned, whether it keeps up, and how well it foretells each kind of answer.

import { For, Show } from 'solid-js';
import type { Live } from './live';
import { am, named } from './messages';
import { BigRate, Fact, shown } from './parts';
import type { Head, Learner } from './wire';

/** A learner writes its status several times a second; this long without one is silence. */
const SILENCE_MS = 5_000;

export function LearnerPanel(props: { live: Live }) {
  return (
    <section class="flow-panel flow-learner" aria-labelledby="learner-title">
      <h2 class="flow-panel__title" id="learner-title">
        {am.learner.title}
      </h2>
      <p class="flow-panel__lead">{am.learner.lead}</p>
      <Show when={props.live.flow().learner} fallback={<p class="flow-panel__empty">{am.learner.none}</p>}>
        {(learner) => (
          <div class="flow-learner__parts">
            <div>
              <BigRate
                live={props.live}
                what={am.learner.rate}
                pick={(flow) => flow.learner?.learned ?? undefined}
              />
              <LearnerFacts learner={learner()} />
            </div>
            <Heads heads={learner().heads} />
          </div>
        )}
      </Show>
    </section>
  );
}

function LearnerFacts(props: { learner: Learner }) {
  const { number, whole, time } = am;
  const silence = () => props.learner.heardAgoMs ?? 0;
  const pages = () => props.learner.pagesLearned + props.learner.pagesLight;
  return (
    <dl class="flow-facts">
      <Fact
        name={am.learner.state}
        value={am.learner.stateValue(props.learner.state, props.learner.ended)}
        hint={am.learner.stateHint}
        level={props.learner.state === 'down' ? 'bad' : undefined}
      />
      <Fact
        name={am.learner.learned}
        value={am.learner.learnedValue(whole(props.learner.learned), whole(props.learner.versions))}
      />
      <Fact name={am.learner.lag} value={am.learner.lagValue(props.learner.lagRecords)} />
      <Fact
        name={am.learner.age}
        value={shown(props.learner.versionAgeMs, am.learner.ageValue)}
        hint={am.learner.ageHint}
      />
      <Show when={silence() > SILENCE_MS}>
        <Fact name={am.learner.silent} value={time(silence())} level="bad" />
      </Show>
      <Fact
        name={am.learner.guard}
        value={am.learner.guardValue(props.learner.guardHolds, props.learner.guardPulls)}
        hint={am.learner.guardHint}
        level={props.learner.guardHolds ? 'bad' : undefined}
      />
      <Fact
        name={am.learner.say}
        value={shown(props.learner.say, am.learner.sayValue)}
        hint={am.learner.sayHint}
      />
      <Fact name={am.learner.light} value={`${number(props.learner.pagesLight)} / ${number(pages())}`} />
      <Fact
        name={am.learner.checkpoint}
        value={am.learner.checkpointValue(props.learner.checkpointVersion)}
      />
    </dl>
  );
}

/** One row a question; figures are of the last answers, judged before each was learned. */
function Heads(props: { heads: Head[] }) {
  return (
    <Show when={props.heads.length > 0}>
      <table class="flow-drops flow-learner__heads">
        <thead>
          <tr>
            <th scope="col">{am.learner.columns.head}</th>
            <For each={['labels', 'auc', 'logloss', 'calibration'] as const}>
              {(column) => (
                <th scope="col" class="is-number">
                  {am.learner.columns[column]}
                </th>
              )}
            </For>
          </tr>
        </thead>
        <tbody>
          <For each={props.heads}>
            {(head) => (
              <tr>
                <th scope="row">{named(am.learner.heads, head.head)}</th>
                <td class="is-number">{am.number(head.labels)}</td>
                <td class="is-number">{shown(head.auc, am.learner.figure)}</td>
                <td class="is-number">{shown(head.logloss, am.learner.figure)}</td>
                <td class="is-number">{shown(head.calibration, am.learner.figure)}</td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
    </Show>
  );
}
