// What each answer of the model counts in a video's value, and the form that changes it. What is typed stays until it is saved or
// taken back, whatever the server answers meanwhile.

import { createSignal, Index, Show } from 'solid-js';
import { toast, toastRefusal } from '../state/toasts';
import { am, named } from './messages';
import { type Weight, weightsPut } from './steer-wire';

export function Weights(props: { weights: Weight[]; changed: () => void }) {
  const words = am.steer.weights;
  const [typed, setTyped] = createSignal<Record<string, string>>({});
  const textOf = (weight: Weight) => typed()[weight.head] ?? String(weight.weight);
  const dirty = () => Object.keys(typed()).length > 0;
  const save = async (weights: Record<string, number>) => {
    try {
      await weightsPut(weights);
      setTyped({});
      toast(words.saved);
      props.changed();
    } catch (error) {
      toastRefusal(error);
    }
  };
  const own = () => {
    const all = props.weights.map((weight) => [weight, Number(textOf(weight))] as const);
    const different = all.filter(([weight, value]) => value !== weight.builtIn);
    return Object.fromEntries(different.map(([weight, value]) => [weight.head, value]));
  };
  return (
    <section class="flow-panel" aria-labelledby="weights-title">
      <h2 class="flow-panel__title" id="weights-title">
        {words.title}
      </h2>
      <p class="flow-panel__lead">{words.lead}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void save(own());
        }}
      >
        <div class="steer-weights">
          <Index each={props.weights}>
            {(weight) => (
              <div class="steer-weight" classList={{ 'is-own': weight().weight !== weight().builtIn }}>
                <label class="steer-weight__name" for={`weight-${weight().head}`}>
                  {named(am.learner.heads, weight().head)}
                </label>
                <input
                  id={`weight-${weight().head}`}
                  class="input steer-weight__input"
                  type="number"
                  step="0.05"
                  min="-10"
                  max="10"
                  required
                  value={textOf(weight())}
                  onInput={(event) => setTyped({ ...typed(), [weight().head]: event.currentTarget.value })}
                />
                <span class="steer-weight__built-in">{words.builtIn(weight().builtIn)}</span>
              </div>
            )}
          </Index>
        </div>
        <div class="steer-weights__actions">
          <button type="submit" class="button button--accent" disabled={!dirty()}>
            {words.save}
          </button>
          <Show when={dirty()}>
            <button type="button" class="button" onClick={() => setTyped({})}>
              {words.undo}
            </button>
          </Show>
          <Show when={props.weights.some((weight) => weight.weight !== weight.builtIn)}>
            <button type="button" class="button" onClick={() => void save({})}>
              {words.reset}
            </button>
          </Show>
        </div>
      </form>
    </section>
  );
}
