// The one upload of this browser: from the chosen file to all qualities. Lives outside the page, so it goes on while
// other pages are visited, and is remembered across reloads, so the same file goes on where it stopped.

import { createStore } from 'solid-js/store';
import { ApiError } from '../api/client';
import { uploadFinish, uploadGet, uploadOpen, videoGet } from '../api/endpoints';
import type { Upload, Video } from '../api/wire';
import { m } from '../messages';
import { config, loadConfig } from '../state/config';
import { errorText } from '../state/toasts';
import { fingerprintOf, kindOf, lengthOf, refusal } from './file';
import { putByXhr, type SentPart, sendParts } from './parts';
import { joinTags, tagsIn } from './tags';

export type Phase = 'idle' | 'sending' | 'sent' | 'posting' | 'processing' | 'done' | 'rejected';

interface UploadState {
  phase: Phase;
  fileName: string;
  totalBytes: number;
  sentBytes: number;
  waiting: boolean;
  /** Why it stopped or cannot start; empty when all is well. */
  problem: string;
  /** The viewer asked to post before all bytes were there. */
  postAsked: boolean;
  previewUrl: string;
  video: Video | null;
}

interface Draft {
  caption: string;
  tags: string[];
  /** Absent in drafts kept by an older version. */
  adultsOnly?: boolean;
}

interface Pending {
  videoId: string;
  fingerprint: string;
  fileName: string;
}

const DRAFT_KEY = 'riffle.draft';
const PENDING_KEY = 'riffle.upload';
const POLL_MS = 700;
const POLL_MS_MAX = 8000;
const POLLS_MAX = 400;

const FRESH: UploadState = {
  phase: 'idle',
  fileName: '',
  totalBytes: 0,
  sentBytes: 0,
  waiting: false,
  problem: '',
  postAsked: false,
  previewUrl: '',
  video: null,
};

const [upload, setUpload] = createStore<UploadState>({ ...FRESH });
const [draft, setDraftStore] = createStore<Draft>(stored(DRAFT_KEY) ?? { caption: '', tags: [] });

export { draft, upload };

let run: { abort: AbortController; file: File; videoId: string; parts: SentPart[] } | undefined;

/** The upload that an earlier page load left unfinished, if any. */
export const pendingUpload = (): Pending | undefined => stored<Pending>(PENDING_KEY);

export function setDraft(change: Partial<Draft>): void {
  setDraftStore(change);
  localStorage.setItem(DRAFT_KEY, JSON.stringify(draft));
}

/** The tags that will be posted: those in the caption, then those added by hand. */
export const allTags = (): string[] => joinTags(tagsIn(draft.caption), draft.tags);

/** Takes a chosen file and starts sending at once, or says why not. */
export async function startUpload(file: File): Promise<void> {
  cancelUpload();
  const abort = new AbortController();
  const mine = { abort, file, videoId: '', parts: [] };
  run = mine;
  setUpload({
    ...FRESH,
    phase: 'sending',
    fileName: file.name,
    totalBytes: file.size,
    previewUrl: URL.createObjectURL(file),
  });
  try {
    const [length] = await Promise.all([lengthOf(file), loadConfig()]);
    const problem = Number.isNaN(length) ? m.upload.unreadable : refusal(file, length, config());
    if (abort.signal.aborted) return;
    if (problem) return stop(problem);
    const session = await openOrResume(file, length);
    if (abort.signal.aborted) return;
    mine.videoId = session.videoId;
    await send(session);
  } catch (error) {
    if (!abort.signal.aborted) stop(errorText(error, m.upload.failed), 'sending');
  }
}

/** Goes on after a stop that was not the file's fault. */
export async function retryUpload(): Promise<void> {
  const { file } = run ?? {};
  if (file) await startUpload(file);
}

/** Posts now, or as soon as the last byte is there. */
export async function postUpload(): Promise<void> {
  if (upload.phase === 'sending') {
    setUpload({ postAsked: true });
    return;
  }
  if (upload.phase !== 'sent' || !run) return;
  setUpload({ phase: 'posting', problem: '' });
  try {
    const { videoId, parts } = run;
    const video = await uploadFinish({
      videoId,
      caption: draft.caption.trim(),
      hashtags: allTags(),
      parts,
      adultsOnly: draft.adultsOnly ?? false,
    });
    localStorage.removeItem(PENDING_KEY);
    setUpload({ phase: 'processing', video });
    await followProcessing(video.id, run.abort.signal);
  } catch (error) {
    const told =
      error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429;
    setUpload({
      phase: 'sent',
      postAsked: false,
      problem: told ? (error as ApiError).message : errorText(error),
    });
  }
}

/** Leaves the current upload; the draft stays unless it was posted. */
export function cancelUpload(): void {
  if (['processing', 'done'].includes(upload.phase)) setDraft({ caption: '', tags: [] });
  run?.abort.abort();
  run = undefined;
  if (upload.previewUrl) URL.revokeObjectURL(upload.previewUrl);
  setUpload({ ...FRESH });
}

export function discardPending(): void {
  localStorage.removeItem(PENDING_KEY);
  cancelUpload();
}

function stop(problem: string, phase: Phase = 'idle'): void {
  setUpload({ problem, phase, waiting: false });
}

async function openOrResume(file: File, durationMs: number | undefined): Promise<Upload> {
  const fingerprint = fingerprintOf(file);
  const pending = pendingUpload();
  if (pending?.fingerprint === fingerprint) {
    const resumed = await uploadGet(pending.videoId).catch((error) => {
      if (error instanceof ApiError && [404, 409, 410].includes(error.status)) return undefined;
      throw error;
    });
    if (resumed) return resumed;
  }
  const opened = await uploadOpen({
    // Where only the server can read the file, it also measures it.
    duration: durationMs === undefined ? undefined : durationMs / 1000,
    fileSize: file.size,
    mimeType: kindOf(file),
  });
  const saved: Pending = { videoId: opened.videoId, fingerprint, fileName: file.name };
  localStorage.setItem(PENDING_KEY, JSON.stringify(saved));
  return opened;
}

async function send(session: Upload): Promise<void> {
  const current = run;
  if (!current) return;
  current.parts = await sendParts({
    file: current.file,
    partSize: session.partSize,
    parts: session.parts,
    signal: current.abort.signal,
    put: putByXhr,
    renew: async () => (await uploadGet(session.videoId)).parts,
    onProgress: (sentBytes) => setUpload({ sentBytes }),
    onWaiting: (waiting) => setUpload({ waiting }),
    pause: untilWorthTrying,
  });
  if (current.abort.signal.aborted) return;
  setUpload({ phase: 'sent', waiting: false });
  if (upload.postAsked) await postUpload();
}

// Waits the pause out; without a network it waits for the network instead.
async function untilWorthTrying(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  if (navigator.onLine) return;
  await new Promise((resolve) => addEventListener('online', resolve, { once: true }));
}

async function followProcessing(videoId: string, signal: AbortSignal): Promise<void> {
  let pauseMs = POLL_MS;
  for (let poll = 0; poll < POLLS_MAX && !signal.aborted; poll += 1) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const video = await videoGet(videoId).catch(() => undefined);
    if (signal.aborted) return;
    if (video && (video.status !== upload.video?.status || video.progress !== upload.video?.progress)) {
      pauseMs = POLL_MS;
    } else pauseMs = Math.min(pauseMs * 1.5, POLL_MS_MAX);
    if (!video) continue;
    setUpload({ video });
    if (video.status === 'rejected' || video.status === 'failed') return setUpload({ phase: 'rejected' });
    if (video.status === 'published' && video.progress >= 1) return setUpload({ phase: 'done' });
  }
}

function stored<T>(key: string): T | undefined {
  try {
    return (JSON.parse(localStorage.getItem(key) ?? 'null') as T | null) ?? undefined;
  } catch {
    return undefined;
  }
}
