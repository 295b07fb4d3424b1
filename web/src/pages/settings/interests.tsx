// What the feed goes by, to read and to change: mode, interests, wishes, muted words and people, blocks, and starting over.
// Each change is sent at once and the feed that waits in memory is made anew.

import { createResource, createSignal, For, type JSX, Match, Show, Switch } from 'solid-js';
import { viewer } from '../../api/auth';
import {
  blockSet,
  blocksGet,
  type FeedMode,
  feedModePut,
  type Interests,
  interestsGet,
  interestsPut,
  interestsReset,
  mutedWordsPut,
  muteSet,
  mutesGet,
  type PersonRef,
  topicsGet,
  type Wish,
  wishSend,
} from '../../api/control';
import { Icon } from '../../components/icon';
import '../../components/chips.css';
import { m } from '../../messages';
import { toast, toastError } from '../../state/toasts';
import { forgetFeeds } from '../feed/sources';
import { Group } from './settings';
import './settings.css';

const MODES: FeedMode[] = ['personal', 'frozen', 'non_personal'];
/** Hashtags offered at once. */
const SUGGESTED_MAX = 24;

export default function InterestsPage() {
  const [interests, { mutate, refetch }] = createResource(interestsGet);
  const change = async (work: Promise<Interests>, said = m.interests.saved) => {
    try {
      mutate(await work);
      forgetFeeds();
      toast(said);
    } catch (error) {
      toastError(error, m.interests.failed);
    }
  };
  return (
    <div class="page settings">
      <h1 class="page__title">{m.interests.title}</h1>
      <p class="page__lead">{m.interests.lead}</p>
      <Switch fallback={<p role="status">{m.interests.loading}</p>}>
        <Match when={interests.error}>
          <p role="alert">{m.interests.loadFailed}</p>
          <button type="button" class="button" onClick={() => void refetch()}>
            {m.interests.retry}
          </button>
        </Match>
        <Match when={interests()}>
          {(now) => <Sections now={now()} change={change} refetch={() => void refetch()} />}
        </Match>
      </Switch>
    </div>
  );
}

type Change = (work: Promise<Interests>, said?: string) => Promise<void>;

function Sections(props: { now: Interests; change: Change; refetch: () => void }) {
  return (
    <>
      <Mode mode={props.now.mode} change={props.change} />
      <Chosen now={props.now} change={props.change} />
      <Learned now={props.now} change={props.change} />
      <Wishes wishes={props.now.wishes} change={props.change} />
      <MutedWords words={props.now.mutedWords} refetch={props.refetch} />
      <People title={m.interests.mutes} empty={m.interests.mutesEmpty} read={mutesGet} clear={muteSet} />
      <Show
        when={viewer()}
        fallback={
          <Group title={m.interests.blocks}>
            <p>{m.interests.blocksSignIn}</p>
          </Group>
        }
      >
        <People
          title={m.interests.blocks}
          empty={m.interests.blocksEmpty}
          read={blocksGet}
          clear={blockSet}
        />
      </Show>
      <Reset change={props.change} />
    </>
  );
}

function Mode(props: { mode: FeedMode; change: Change }) {
  return (
    <Group title={m.interests.mode}>
      <fieldset class="choice">
        <legend class="visually-hidden">{m.interests.mode}</legend>
        <For each={MODES}>
          {(mode) => (
            <label class="choice__item">
              <input
                type="radio"
                name="feed-mode"
                class="visually-hidden"
                checked={props.mode === mode}
                onChange={() => void props.change(feedModePut(mode))}
              />
              <span>{m.interests.modes[mode]}</span>
            </label>
          )}
        </For>
      </fieldset>
      <p class="field__hint">{m.interests.modeHints[props.mode]}</p>
    </Group>
  );
}

function Chosen(props: { now: Interests; change: Change }) {
  const [topics] = createResource(topicsGet);
  const put = (hashtags: string[], categories: string[]) =>
    void props.change(interestsPut({ hashtags, categories }));
  const drop = (tag: string) =>
    put(
      props.now.hashtags.filter((known) => known !== tag),
      props.now.categories,
    );
  const dropCategory = (name: string) =>
    put(
      props.now.hashtags,
      props.now.categories.filter((known) => known !== name),
    );
  const offered = () =>
    (topics()?.hashtags ?? [])
      .filter((topic) => !props.now.hashtags.includes(topic.name))
      .slice(0, SUGGESTED_MAX);
  const isEmpty = () => props.now.hashtags.length + props.now.categories.length === 0;
  return (
    <Group title={m.interests.chosen}>
      <Show when={!isEmpty()} fallback={<p>{m.interests.chosenEmpty}</p>}>
        <ul class="chips">
          <For each={props.now.categories}>
            {(name) => <Removable text={name} onRemove={() => dropCategory(name)} />}
          </For>
          <For each={props.now.hashtags}>
            {(tag) => <Removable text={`#${tag}`} onRemove={() => drop(tag)} />}
          </For>
        </ul>
      </Show>
      <AddLine
        id="interest-add"
        label={m.interests.add}
        action={m.interests.addAction}
        onAdd={(text) => put([...props.now.hashtags, text], props.now.categories)}
      />
      <Show when={offered().length > 0}>
        <p class="field__label">{m.interests.suggestions}</p>
        <ul class="chips">
          <For each={offered()}>
            {(topic) => (
              <li>
                <button
                  type="button"
                  class="chip"
                  onClick={() => put([...props.now.hashtags, topic.name], props.now.categories)}
                >
                  <Icon name="plus" size={16} />#{topic.name}
                </button>
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Group>
  );
}

function Learned(props: { now: Interests; change: Change }) {
  return (
    <Group title={m.interests.learned}>
      <Show when={props.now.learned.length > 0} fallback={<p>{m.interests.learnedEmpty}</p>}>
        <ul class="learned">
          <For each={props.now.learned}>
            {(one) => (
              <li class="learned__item">
                <span>
                  {one.strength > 0 ? m.interests.towards(one.hashtag) : m.interests.away(one.hashtag)}
                </span>
                <button
                  type="button"
                  class="button"
                  onClick={() => void props.change(wishSend({ want: 'less', hashtag: one.hashtag }))}
                >
                  {m.tune.less(`#${one.hashtag}`)}
                </button>
                <meter
                  class="learned__bar"
                  min="0"
                  max="1"
                  value={Math.abs(one.strength)}
                  aria-label={`#${one.hashtag}`}
                />
              </li>
            )}
          </For>
        </ul>
      </Show>
    </Group>
  );
}

function Wishes(props: { wishes: Wish[]; change: Change }) {
  const about = (wish: Wish) =>
    wish.hashtag ? `#${wish.hashtag}` : wish.creatorId ? `@${wish.username ?? wish.creatorId}` : m.tune.sound;
  const text = (wish: Wish) => (wish.want === 'less' ? m.tune.less(about(wish)) : m.tune.more(about(wish)));
  return (
    <Group title={m.interests.wishes}>
      <Show when={props.wishes.length > 0} fallback={<p>{m.interests.wishesEmpty}</p>}>
        <ul class="chips">
          <For each={props.wishes}>
            {({ username: _, ...wish }) => (
              <Removable
                text={text(wish)}
                onRemove={() => void props.change(wishSend({ ...wish, want: 'neutral' }))}
              />
            )}
          </For>
        </ul>
      </Show>
    </Group>
  );
}

function MutedWords(props: { words: string[]; refetch: () => void }) {
  const put = async (words: string[]) => {
    try {
      await mutedWordsPut(words);
      forgetFeeds();
      props.refetch();
      toast(m.interests.saved);
    } catch (error) {
      toastError(error, m.interests.failed);
    }
  };
  return (
    <Group title={m.interests.words}>
      <p class="field__hint">{m.interests.wordsHint}</p>
      <Show when={props.words.length > 0} fallback={<p>{m.interests.wordsEmpty}</p>}>
        <ul class="chips">
          <For each={props.words}>
            {(word) => (
              <Removable
                text={word}
                onRemove={() => void put(props.words.filter((known) => known !== word))}
              />
            )}
          </For>
        </ul>
      </Show>
      <AddLine
        id="word-add"
        label={m.interests.wordAdd}
        action={m.interests.wordAction}
        onAdd={(word) => void put([...props.words, word])}
      />
    </Group>
  );
}

function People(props: {
  title: string;
  empty: string;
  read: () => Promise<{ items: PersonRef[] }>;
  clear: (id: string, on: boolean) => Promise<{ items: PersonRef[] }>;
}) {
  const [people, { mutate }] = createResource(() => props.read());
  const remove = async (id: string) => {
    try {
      mutate(await props.clear(id, false));
      forgetFeeds();
      toast(m.interests.saved);
    } catch (error) {
      toastError(error, m.interests.failed);
    }
  };
  const items = () => (people.error ? [] : (people()?.items ?? []));
  return (
    <Group title={props.title}>
      <Show when={items().length > 0} fallback={<p>{people.error ? m.interests.loadFailed : props.empty}</p>}>
        <ul class="chips">
          <For each={items()}>
            {(person) => <Removable text={`@${person.username}`} onRemove={() => void remove(person.id)} />}
          </For>
        </ul>
      </Show>
    </Group>
  );
}

function Reset(props: { change: Change }) {
  const [sure, setSure] = createSignal(false);
  const reset = () => {
    setSure(false);
    void props.change(interestsReset(), m.interests.resetDone);
  };
  return (
    <Group title={m.interests.reset}>
      <p class="field__hint">{m.interests.resetHint}</p>
      <div class="settings__actions">
        <Show
          when={sure()}
          fallback={
            <button type="button" class="button" onClick={() => setSure(true)}>
              {m.interests.resetAction}
            </button>
          }
        >
          <button type="button" class="button button--accent" onClick={reset}>
            {m.interests.resetYes}
          </button>
          <button type="button" class="button" onClick={() => setSure(false)}>
            {m.interests.resetNo}
          </button>
        </Show>
      </div>
    </Group>
  );
}

function Removable(props: { text: string; onRemove: () => void }): JSX.Element {
  return (
    <li>
      <button
        type="button"
        class="chip"
        aria-label={m.interests.remove(props.text)}
        onClick={() => props.onRemove()}
      >
        <span dir="auto">{props.text}</span>
        <Icon name="close" size={16} />
      </button>
    </li>
  );
}

function AddLine(props: { id: string; label: string; action: string; onAdd: (text: string) => void }) {
  const [text, setText] = createSignal('');
  const add = (event: Event) => {
    event.preventDefault();
    const typed = text().trim();
    if (typed === '') return;
    setText('');
    props.onAdd(typed);
  };
  return (
    <form onSubmit={add}>
      <label class="field__label" for={props.id}>
        {props.label}
      </label>
      <div class="settings__add">
        <input
          id={props.id}
          class="input"
          dir="auto"
          maxlength="50"
          autocomplete="off"
          value={text()}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={text().trim() === ''}>
          {props.action}
        </button>
      </div>
    </form>
  );
}
