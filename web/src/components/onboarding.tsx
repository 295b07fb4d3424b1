// The first visit: a sheet to pick interests from what the catalogue has, or to skip. Nothing waits for it, and it comes once.

import { createResource, createSignal, For, Show } from 'solid-js';
import { interestsPut, topicsGet } from '../api/control';
import { m } from '../messages';
import { noteAsked, wasAsked } from '../state/first-visit';
import { toastError } from '../state/toasts';
import { Sheet } from './sheet';
import './chips.css';

/** With fewer there is nothing to choose. */
const TOPICS_MIN = 2;
const TOPICS_SHOWN_MAX = 24;

export function Onboarding(props: { onChosen: () => void }) {
  const [open, setOpen] = createSignal(!wasAsked());
  const [topics] = createResource(open, topicsGet);
  const [hashtags, setHashtags] = createSignal<string[]>([]);
  const [categories, setCategories] = createSignal<string[]>([]);
  const toggle = (list: string[], name: string) =>
    list.includes(name) ? list.filter((known) => known !== name) : [...list, name];
  const close = () => {
    noteAsked();
    setOpen(false);
  };
  const done = async () => {
    close();
    if (hashtags().length + categories().length === 0) return;
    try {
      await interestsPut({ hashtags: hashtags(), categories: categories() });
      props.onChosen();
    } catch (error) {
      toastError(error, m.interests.failed);
    }
  };
  const offered = () => (topics.error ? undefined : topics());
  const count = () => (offered()?.hashtags.length ?? 0) + (offered()?.categories.length ?? 0);
  return (
    <Show when={open() && count() >= TOPICS_MIN && offered()}>
      {(shown) => (
        <Sheet title={m.onboarding.title} onClose={close}>
          <div class="sheet__scroll onboarding">
            <p>{m.onboarding.lead}</p>
            <ul class="chips">
              <For each={shown().categories}>
                {(topic) => (
                  <Choice
                    text={topic.name}
                    on={categories().includes(topic.name)}
                    onToggle={() => setCategories(toggle(categories(), topic.name))}
                  />
                )}
              </For>
              <For each={shown().hashtags.slice(0, TOPICS_SHOWN_MAX)}>
                {(topic) => (
                  <Choice
                    text={`#${topic.name}`}
                    on={hashtags().includes(topic.name)}
                    onToggle={() => setHashtags(toggle(hashtags(), topic.name))}
                  />
                )}
              </For>
            </ul>
            <div class="notice__actions">
              <button type="button" class="button button--accent" onClick={() => void done()}>
                {m.onboarding.done(hashtags().length + categories().length)}
              </button>
              <button type="button" class="button" onClick={close}>
                {m.onboarding.skip}
              </button>
            </div>
          </div>
        </Sheet>
      )}
    </Show>
  );
}

function Choice(props: { text: string; on: boolean; onToggle: () => void }) {
  return (
    <li>
      <button type="button" class="chip" aria-pressed={props.on} onClick={() => props.onToggle()}>
        {props.text}
      </button>
    </li>
  );
}
