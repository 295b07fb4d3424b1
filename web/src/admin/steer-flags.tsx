// The form that hides a video, or keeps it for adults. What is set is looked up first, so that nobody overwrites what they have not seen.

import { createSignal, Show } from 'solid-js';
import { Switch } from '../components/switch';
import { toast, toastRefusal } from '../state/toasts';
import { am } from './messages';
import { flagsGet, flagsSet, type VideoFlags } from './steer-wire';

export function FlagsForm(props: { changed: () => void }) {
  const words = am.steer.flags;
  const [video, setVideo] = createSignal('');
  const [flags, setFlags] = createSignal<VideoFlags>();
  const [busy, setBusy] = createSignal(false);
  const during = async (work: () => Promise<void>) => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      toastRefusal(error);
    } finally {
      setBusy(false);
    }
  };
  const look = (event: Event) => {
    event.preventDefault();
    void during(async () => void setFlags(await flagsGet(video().trim())));
  };
  const save = (now: VideoFlags, reason: string) =>
    during(async () => {
      await flagsSet(video().trim(), now, reason);
      toast(words.saved);
      setFlags(undefined);
      setVideo('');
      props.changed();
    });
  return (
    <section class="flow-panel" aria-labelledby="flags-title">
      <h2 class="flow-panel__title" id="flags-title">
        {words.title}
      </h2>
      <p class="flow-panel__lead">{words.lead}</p>
      <div class="card steer-flags">
        <form class="steer-flags__look" onSubmit={look}>
          <div class="field">
            <label class="field__label" for="flags-video">
              {words.video}
            </label>
            <input
              id="flags-video"
              class="input"
              autocomplete="off"
              aria-describedby="flags-video-hint"
              value={video()}
              onInput={(event) => {
                setVideo(event.currentTarget.value);
                setFlags(undefined);
              }}
            />
            <p class="field__hint" id="flags-video-hint">
              {words.videoHint}
            </p>
          </div>
          <button type="submit" class="button" disabled={video().trim() === '' || busy()}>
            {words.look}
          </button>
        </form>
        <Show when={flags()}>
          {(found) => <Chosen found={found()} busy={busy()} save={(now, reason) => void save(now, reason)} />}
        </Show>
      </div>
    </section>
  );
}

interface ChosenProps {
  found: VideoFlags;
  busy: boolean;
  save: (flags: VideoFlags, reason: string) => void;
}

function Chosen(props: ChosenProps) {
  const words = am.steer.flags;
  const [flags, setFlags] = createSignal(props.found);
  const [reason, setReason] = createSignal('');
  const isChanged = () =>
    flags().hidden !== props.found.hidden || flags().adultsOnly !== props.found.adultsOnly;
  const submit = (event: Event) => {
    event.preventDefault();
    props.save(flags(), reason().trim());
  };
  return (
    <form class="steer-flags__set" onSubmit={submit}>
      <Switch
        label={words.hidden}
        hint={words.hiddenHint}
        on={flags().hidden}
        onChange={(hidden) => setFlags({ ...flags(), hidden })}
      />
      <Switch
        label={words.adultsOnly}
        hint={words.adultsOnlyHint}
        on={flags().adultsOnly}
        onChange={(adultsOnly) => setFlags({ ...flags(), adultsOnly })}
      />
      <div class="field">
        <label class="field__label" for="flags-reason">
          {words.reason}
        </label>
        <input
          id="flags-reason"
          class="input"
          dir="auto"
          autocomplete="off"
          aria-describedby="flags-reason-hint"
          value={reason()}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <p class="field__hint" id="flags-reason-hint">
          {words.reasonHint}
        </p>
      </div>
      <button
        type="submit"
        class="button button--accent"
        disabled={!isChanged() || reason().trim() === '' || props.busy}
      >
        {words.save}
      </button>
    </form>
  );
}
