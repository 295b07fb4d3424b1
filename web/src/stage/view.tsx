// A stage with what belongs around it: comments beside or over it, the buttons for a mouse, the dialogs it opens.
// Used by the feed and by a shared video's page.

import { createSignal, type JSX, onCleanup, Show } from 'solid-js';
import { Comments } from '../components/comments/panel';
import { Dialogs } from '../components/dialogs';
import { Icon } from '../components/icon';
import { m } from '../messages';
import type { Actions } from './actions';
import type { StageController } from './controller';
import type { FeedSource } from './source';
import { Stage } from './stage';
import './view.css';

export function StageView(props: { source: FeedSource; children?: JSX.Element }) {
  const [open, setOpen] = createSignal(false);
  const [wired, setWired] = createSignal<{ actions: Actions; stage: StageController }>();
  const video = () => {
    const at = wired();
    return at ? at.stage.itemAt(at.stage.active())?.video : undefined;
  };
  const onKey = (event: KeyboardEvent) => {
    const inDialog = event.target instanceof Element && event.target.closest('dialog');
    if (event.key === 'Escape' && !inDialog) setOpen(false);
  };
  addEventListener('keydown', onKey);
  onCleanup(() => removeEventListener('keydown', onKey));
  return (
    <div class="view" classList={{ 'has-panel': open() }}>
      <div class="view__stage">
        {props.children}
        <Stage
          source={props.source}
          onComments={() => setOpen(!open())}
          ref={(actions, stage) => setWired({ actions, stage })}
        />
        <Show when={wired()} keyed>
          {(at) => <Arrows actions={at.actions} stage={at.stage} />}
        </Show>
      </div>
      <Show when={open() && video()} keyed>
        {(shown) => <Comments video={shown} onClose={() => setOpen(false)} />}
      </Show>
      <Dialogs actions={wired()?.actions as Actions} />
    </div>
  );
}

function Arrows(props: { actions: Actions; stage: StageController }) {
  const go = (step: 1 | -1) => (event: MouseEvent) =>
    void props.actions.go(step, { key: 'button', timeMs: event.timeStamp });
  return (
    <div class="arrows">
      <button
        type="button"
        class="arrows__button"
        aria-label={m.video.previous}
        disabled={props.stage.active() === 0}
        onClick={go(-1)}
      >
        <Icon name="up" />
      </button>
      <button
        type="button"
        class="arrows__button"
        aria-label={m.video.next}
        disabled={props.stage.active() >= props.stage.lastIndex}
        onClick={go(1)}
      >
        <Icon name="down" />
      </button>
    </div>
  );
}
