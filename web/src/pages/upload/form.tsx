// The second half of the upload page: preview, progress, caption and hashtags, posting, and what becomes of it.

import { createMemo, createSignal, For, Match, Show, Switch } from 'solid-js';
import { Icon } from '../../components/icon';
import { Switch as OnOff } from '../../components/switch';
import { bytes, m } from '../../messages';
import { Link, routes } from '../../router';
import { limits } from '../../state/config';
import {
  allTags,
  cancelUpload,
  draft,
  postUpload,
  retryUpload,
  setDraft,
  upload,
} from '../../upload/session';
import { cleanTag, tagsIn } from '../../upload/tags';

const isPosted = (): boolean => ['processing', 'done', 'rejected'].includes(upload.phase);

export function UploadForm() {
  return (
    <div class="studio">
      <div class="studio__preview">
        <video
          src={upload.previewUrl}
          muted
          loop
          autoplay
          playsinline
          tabindex="-1"
          aria-label={m.upload.preview}
        />
      </div>
      <div class="studio__side">
        <ByteProgress />
        <Show when={isPosted()}>
          <Steps />
        </Show>
        <Show when={!isPosted()} fallback={<Outcome />}>
          <DraftForm />
        </Show>
      </div>
    </div>
  );
}

function ByteProgress() {
  const share = () => Math.min(upload.sentBytes / Math.max(upload.totalBytes, 1), 1);
  return (
    <div class="sending">
      <p class="sending__head">
        <bdi class="sending__name">{upload.fileName}</bdi>
        <span class="sending__bytes">
          {m.upload.bytes(bytes(upload.sentBytes), bytes(upload.totalBytes))}
        </span>
      </p>
      <div
        class="meter"
        role="progressbar"
        aria-label={m.upload.progressLabel}
        aria-valuemin="0"
        aria-valuemax="100"
        aria-valuenow={Math.round(share() * 100)}
      >
        <span class="meter__fill" style={{ transform: `scaleX(${share()})` }} />
      </div>
      <Show when={upload.waiting}>
        <p class="field__hint" role="status">
          {m.upload.waiting}
        </p>
      </Show>
      <Show when={upload.problem}>
        <p class="problem" role="alert">
          {upload.problem}
        </p>
        <Show when={upload.phase === 'sending'}>
          <button type="button" class="button" onClick={() => void retryUpload()}>
            {m.upload.retry}
          </button>
        </Show>
      </Show>
    </div>
  );
}

function DraftForm() {
  const left = () => limits().captionCharsMax - [...draft.caption].length;
  const canPost = () => left() >= 0 && allTags().length <= limits().hashtagsMax && upload.phase !== 'posting';
  const label = () => {
    if (upload.phase === 'posting' || upload.postAsked) return m.upload.posting;
    return upload.phase === 'sending' ? m.upload.postWhenDone : m.upload.post;
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void postUpload();
  };
  return (
    <form class="studio__form" onSubmit={submit}>
      <div class="field">
        <label class="field__label" for="caption">
          {m.upload.caption}
        </label>
        <textarea
          id="caption"
          class="input studio__caption"
          rows="4"
          dir="auto"
          placeholder={m.upload.captionPlaceholder}
          value={draft.caption}
          aria-describedby="caption-left"
          aria-invalid={left() < 0}
          onInput={(event) => setDraft({ caption: event.currentTarget.value })}
        />
        <p class="studio__below">
          <span class="field__hint">{draft.caption || draft.tags.length > 0 ? m.upload.draftSaved : ''}</span>
          <span id="caption-left" class={left() < 0 ? 'field__error' : 'field__hint'}>
            {m.upload.left(left())}
          </span>
        </p>
      </div>
      <TagField />
      <OnOff
        label={m.upload.adultsOnly}
        hint={m.upload.adultsOnlyHint}
        on={draft.adultsOnly ?? false}
        onChange={(adultsOnly) => setDraft({ adultsOnly })}
      />
      <div class="studio__actions">
        <button type="submit" class="button button--accent" disabled={!canPost() || upload.postAsked}>
          {label()}
        </button>
        <button type="button" class="button button--quiet" onClick={() => cancelUpload()}>
          {m.upload.change}
        </button>
      </div>
    </form>
  );
}

function TagField() {
  const [typed, setTyped] = createSignal('');
  const inCaption = createMemo(() => new Set(tagsIn(draft.caption)));
  const add = () => {
    const tag = cleanTag(typed());
    setTyped('');
    if (tag && !allTags().includes(tag) && allTags().length < limits().hashtagsMax) {
      setDraft({ tags: [...draft.tags, tag] });
    }
  };
  const onKey = (event: KeyboardEvent) => {
    if (['Enter', ' ', ','].includes(event.key) && typed().trim() !== '') {
      event.preventDefault();
      add();
    }
    if (event.key === 'Backspace' && typed() === '') setDraft({ tags: draft.tags.slice(0, -1) });
  };
  return (
    <div class="field">
      <label class="field__label" for="tags">
        {m.upload.tags}
      </label>
      <div class="tags input">
        <For each={allTags()}>
          {(tag) => (
            <span class="chip">
              #{tag}
              <Show when={!inCaption().has(tag)}>
                <button
                  type="button"
                  class="chip__remove"
                  aria-label={m.upload.removeTag(tag)}
                  onClick={() => setDraft({ tags: draft.tags.filter((t) => t !== tag) })}
                >
                  <Icon name="close" size={14} />
                </button>
              </Show>
            </span>
          )}
        </For>
        <input
          id="tags"
          class="tags__input"
          autocomplete="off"
          autocapitalize="none"
          placeholder={m.upload.tagPlaceholder}
          value={typed()}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={onKey}
          onBlur={add}
        />
      </div>
    </div>
  );
}

function Steps() {
  const published = () => upload.video?.status === 'published';
  const ended = () => upload.phase === 'rejected';
  const steps = () => [
    { text: m.upload.steps.uploading, done: true },
    { text: m.upload.steps.checking, done: published() },
    { text: m.upload.steps.playable, done: published() },
    { text: m.upload.steps.complete, done: upload.phase === 'done' },
  ];
  const now = () => (ended() ? -1 : steps().findIndex((step) => !step.done));
  return (
    <ol class="steps" aria-label={m.upload.steps.label}>
      <For each={steps()}>
        {(step, index) => (
          <li
            class="steps__step"
            classList={{
              'is-done': step.done,
              'is-now': index() === now(),
              'is-ended': ended() && !step.done,
            }}
            aria-current={index() === now() ? 'step' : undefined}
          >
            <span class="steps__dot">
              <Show when={step.done}>
                <Icon name="check" size={14} />
              </Show>
            </span>
            {step.text}
          </li>
        )}
      </For>
    </ol>
  );
}

function Outcome() {
  const published = () => upload.video?.status === 'published';
  const failed = () => upload.video?.status === 'failed';
  return (
    <div class="outcome" role="status" data-phase={upload.phase} data-video-id={upload.video?.id}>
      <Switch>
        <Match when={upload.phase === 'rejected'}>
          <h2 class="outcome__title">{failed() ? m.upload.failedTitle : m.upload.rejectedTitle}</h2>
          <Show when={upload.video?.rejection} keyed>
            {(rejection) => <p class="problem">{rejection.message}</p>}
          </Show>
          <p class="field__hint">{failed() ? m.upload.failedHelp : m.upload.rejectedHelp}</p>
        </Match>
        <Match when={upload.phase === 'done'}>
          <p>{m.upload.done}</p>
        </Match>
        <Match when={!published()}>
          <p class="field__hint">{m.upload.mayLeave}</p>
        </Match>
        <Match when={published()}>
          <p>{m.upload.playableNow}</p>
        </Match>
      </Switch>
      <div class="studio__actions">
        <Show when={published()}>
          <Link class="button button--accent" href={routes.video(upload.video?.id ?? '')}>
            {m.upload.view}
          </Link>
        </Show>
        <button type="button" class="button" onClick={() => cancelUpload()}>
          {upload.phase === 'rejected' ? m.upload.change : m.upload.another}
        </button>
      </div>
    </div>
  );
}
