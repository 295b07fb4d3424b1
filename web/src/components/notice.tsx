// A designed empty, error or signed-out state: a mark, a title, a sentence, what to do.

import { type JSX, Show } from 'solid-js';
import { Icon, type IconName } from './icon';

interface NoticeProps {
  icon: IconName;
  title: string;
  text?: string;
  alert?: boolean;
  children?: JSX.Element;
}

export function Notice(props: NoticeProps) {
  return (
    <div class="notice" role={props.alert ? 'alert' : undefined}>
      <span class="notice__mark">
        <Icon name={props.icon} size={32} />
      </span>
      <h2 class="notice__title">{props.title}</h2>
      <Show when={props.text}>
        <p class="notice__text">{props.text}</p>
      </Show>
      <div class="notice__actions">{props.children}</div>
    </div>
  );
}
