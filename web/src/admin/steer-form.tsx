// The form that makes a boost or a pin. The server judges what is asked; here stand only the choices.

import { createSignal, For, Show } from 'solid-js';
import { toast, toastRefusal } from '../state/toasts';
import { am } from './messages';
import { orderMake } from './steer-wire';

const HOUR_MS = 3_600_000;
const HOURS = [1, 6, 24, 72, 168];
const FACTORS = [0.25, 0.5, 1.5, 2, 3];

interface FormProps {
  target: string;
  setTarget: (target: string) => void;
  made: () => void;
}

export function OrderForm(props: FormProps) {
  const words = am.steer.form;
  const [kind, setKind] = createSignal<'boost' | 'pin'>('boost');
  const [factor, setFactor] = createSignal(2);
  const [region, setRegion] = createSignal('');
  const [reason, setReason] = createSignal('');
  const [hours, setHours] = createSignal(6);
  const [busy, setBusy] = createSignal(false);
  const fits = () => props.target.trim() !== '' && reason().trim() !== '' && !busy();
  const make = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await orderMake({
        kind: kind(),
        target: props.target.trim(),
        ...(region().trim() === '' ? {} : { region: region().trim().toUpperCase() }),
        ...(kind() === 'boost' ? { factor: factor() } : {}),
        reason: reason().trim(),
        endsAtMs: Date.now() + hours() * HOUR_MS,
      });
      toast(words.made);
      props.setTarget('');
      setReason('');
      props.made();
    } catch (error) {
      toastRefusal(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="flow-panel" aria-labelledby="order-title">
      <h2 class="flow-panel__title" id="order-title">
        {words.title}
      </h2>
      <form class="card steer-form" onSubmit={(event) => void make(event)}>
        <Choice
          id="order-kind"
          label={words.kind}
          value={kind()}
          options={[
            ['boost', words.boost],
            ['pin', words.pin],
          ]}
          choose={(value) => setKind(value === 'pin' ? 'pin' : 'boost')}
        />
        <Text
          id="order-target"
          label={words.target}
          hint={kind() === 'pin' ? words.targetPin : words.targetHint}
          value={props.target}
          type={props.setTarget}
        />
        <Show when={kind() === 'boost'}>
          <Choice
            id="order-factor"
            label={words.factor}
            value={String(factor())}
            options={FACTORS.map((value) => [String(value), words.times(value)])}
            choose={(value) => setFactor(Number(value))}
          />
        </Show>
        <Text
          id="order-region"
          label={words.region}
          hint={words.regionHint}
          value={region()}
          type={setRegion}
        />
        <Choice
          id="order-hours"
          label={words.lasts}
          value={String(hours())}
          options={HOURS.map((value) => [String(value), words.hours(value)])}
          choose={(value) => setHours(Number(value))}
        />
        <Text
          id="order-reason"
          label={words.reason}
          hint={words.reasonHint}
          value={reason()}
          type={setReason}
        />
        <button type="submit" class="button button--accent" disabled={!fits()}>
          {words.make}
        </button>
      </form>
    </section>
  );
}

interface TextProps {
  id: string;
  label: string;
  hint: string;
  value: string;
  type: (value: string) => void;
}

function Text(props: TextProps) {
  return (
    <div class="field">
      <label class="field__label" for={props.id}>
        {props.label}
      </label>
      <input
        id={props.id}
        class="input"
        dir="auto"
        autocomplete="off"
        aria-describedby={`${props.id}-hint`}
        value={props.value}
        onInput={(event) => props.type(event.currentTarget.value)}
      />
      <p class="field__hint" id={`${props.id}-hint`}>
        {props.hint}
      </p>
    </div>
  );
}

interface ChoiceProps {
  id: string;
  label: string;
  value: string;
  options: [value: string, text: string][];
  choose: (value: string) => void;
}

function Choice(props: ChoiceProps) {
  return (
    <div class="field">
      <label class="field__label" for={props.id}>
        {props.label}
      </label>
      <select id={props.id} class="input" onChange={(event) => props.choose(event.currentTarget.value)}>
        <For each={props.options}>
          {([value, text]) => (
            <option value={value} selected={value === props.value}>
              {text}
            </option>
          )}
        </For>
      </select>
    </div>
  );
}
