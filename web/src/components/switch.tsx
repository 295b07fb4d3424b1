// A switch: a check box that looks like what it does. Draws only.

import './switch.css';

export interface SwitchProps {
  label: string;
  hint: string;
  on: boolean;
  onChange: (on: boolean) => void;
}

export function Switch(props: SwitchProps) {
  return (
    <label class="switch">
      <span>
        {props.label}
        <span class="field__hint switch__hint">{props.hint}</span>
      </span>
      <input
        type="checkbox"
        role="switch"
        class="switch__input"
        checked={props.on}
        aria-checked={props.on}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
    </label>
  );
}
