// The upload page: choose, watch the bytes go, write the caption meanwhile, post, see it become playable.
// The upload itself lives in src/upload and goes on when this page is left.

import { createSignal, Match, onMount, Show, Switch } from 'solid-js';
import { viewer, wasSignedIn } from '../../api/auth';
import { Icon } from '../../components/icon';
import { Notice } from '../../components/notice';
import { bytes, duration, m } from '../../messages';
import { Link, loginFrom, routes } from '../../router';
import { config, limits, loadConfig } from '../../state/config';
import { discardPending, pendingUpload, startUpload, upload } from '../../upload/session';
import { UploadForm } from './form';
import './upload.css';

export default function UploadPage() {
  onMount(() => void loadConfig());
  return (
    <div class="page upload">
      <h1 class="page__title">{m.upload.title}</h1>
      <p class="page__lead">{m.upload.lead}</p>
      <Switch>
        <Match when={viewer()}>
          <Show when={upload.phase !== 'idle'} fallback={<Chooser />}>
            <UploadForm />
          </Show>
        </Match>
        <Match when={!wasSignedIn()}>
          <Notice icon="upload" title={m.upload.signedOutTitle} text={m.upload.signedOutText}>
            <Link class="button button--accent" href={loginFrom(routes.signUp)}>
              {m.signIn.signUp}
            </Link>
            <Link class="button" href={loginFrom()}>
              {m.signIn.login}
            </Link>
          </Notice>
        </Match>
      </Switch>
    </div>
  );
}

function Chooser() {
  const [over, setOver] = createSignal(false);
  const [pending, setPending] = createSignal(pendingUpload());
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0];
    if (file) void startUpload(file);
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer?.files);
  };
  const discard = () => {
    discardPending();
    setPending(undefined);
  };
  return (
    <>
      <Show when={pending()} keyed>
        {(waiting) => (
          <div class="resume" role="status">
            <Icon name="clock" />
            <div class="resume__text">
              <p class="resume__title">{m.upload.resumeTitle}</p>
              <p>{m.upload.resumeText(waiting.fileName)}</p>
            </div>
            <button type="button" class="button button--quiet" onClick={discard}>
              {m.upload.discard}
            </button>
          </div>
        )}
      </Show>
      <label
        class="drop"
        classList={{ 'is-over': over() }}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={onDrop}
      >
        <input
          class="visually-hidden"
          type="file"
          accept={config().acceptedMimeTypes.join(',')}
          onChange={(event) => take(event.currentTarget.files)}
        />
        <span class="drop__mark">
          <Icon name="upload" size={36} />
        </span>
        <span class="button button--accent">{m.upload.choose}</span>
        <span class="drop__or">{m.upload.drop}</span>
        <span class="drop__limits">
          {m.upload.limits(
            bytes(limits().fileSizeBytesMax),
            duration(limits().videoDurationMsMin),
            duration(limits().videoDurationMsMax),
          )}{' '}
          {m.upload.types(acceptedNames())}
        </span>
      </label>
      <Show when={upload.problem}>
        <p class="problem" role="alert">
          {upload.problem}
        </p>
      </Show>
    </>
  );
}

const NAMES: Record<string, string> = {
  'video/mp4': 'MP4',
  'video/quicktime': 'MOV',
  'video/webm': 'WebM',
  'video/x-matroska': 'MKV',
  'video/x-msvideo': 'AVI',
  'video/mp2t': 'TS',
  'video/3gpp': '3GP',
  'video/mpeg': 'MPEG',
};

const acceptedNames = (): string =>
  config()
    .acceptedMimeTypes.map((type) => NAMES[type] ?? type.replace('video/', '').toUpperCase())
    .join(', ');
