// What a viewer can do on the stage, by whatever hand: keys, taps, buttons and menus all come through here.
// Holds the small signals of feedback (hearts, "not interested"); the work is done by the controller and the stores.

import { createSignal } from 'solid-js';
import { viewer } from '../api/auth';
import { videoEngage } from '../api/endpoints';
import type { FeedItem } from '../api/wire';
import { outbox } from '../events/outbox';
import type { Command } from '../gestures/keys';
import type { Point } from '../gestures/taps';
import { m } from '../messages';
import { routes } from '../router';
import { openDialog } from '../state/dialogs';
import { countShare, like, toggleLike, toggleSave } from '../state/engagement';
import { toast, toastError } from '../state/toasts';
import type { Input, StageController } from './controller';

const SEEK_S = 5;
export const RATES = [0.5, 1, 1.5, 2];
const UNDO_MS = 5000;
const HEART_MS = 900;

export interface Heart extends Point {
  id: number;
  tilt: number;
}

export type Actions = ReturnType<typeof createActions>;

export function createActions(stage: StageController, toggleComments: () => void) {
  const [hearts, setHearts] = createSignal<Heart[]>([]);
  const dismissal = createDismissal(stage);

  const likeAt = (at: Point) => {
    const item = stage.current;
    if (!item) return;
    const heart = { ...at, id: performance.now(), tilt: ((at.x * 7 + at.y * 3) % 40) - 20 };
    if (viewer()) {
      setHearts((list) => [...list.slice(-5), heart]);
      setTimeout(() => setHearts((list) => list.filter((h) => h.id !== heart.id)), HEART_MS);
    }
    like(item.video);
  };
  const withItem = (work: (item: FeedItem) => void) => () => {
    if (stage.current) work(stage.current);
  };
  const stepRate = (by: 1 | -1) => {
    const rate = RATES[RATES.indexOf(stage.rate()) + by];
    if (!rate) return;
    stage.setRate(rate);
    toast(m.menu.speedToast(rate));
  };
  const go = (step: 1 | -1, input: Input) => {
    dismissal.commit();
    return stage.go(step, input);
  };
  const menu = withItem((item) =>
    openDialog({
      kind: 'menu',
      item,
      onNotInterested: () => dismissal.begin(item),
      onChanged: () => void stage.source.refreshAfter(stage.active()),
    }),
  );
  const commands: Record<Command, (input: Input) => void> = {
    next: (input) => void go(1, input),
    previous: (input) => void go(-1, input),
    pause: () => stage.togglePause(),
    mute: () => stage.toggleMute(),
    like: withItem((item) => toggleLike(item.video)),
    comments: () => toggleComments(),
    save: withItem((item) => toggleSave(item.video)),
    fullscreen: () => toggleFullscreen(),
    back: () => stage.seekBy(-SEEK_S),
    forward: () => stage.seekBy(SEEK_S),
    faster: () => stepRate(1),
    slower: () => stepRate(-1),
    help: () => openDialog({ kind: 'help' }),
  };
  return {
    hearts,
    dismissed: dismissal.item,
    undoDismiss: dismissal.undo,
    likeAt,
    go,
    menu,
    pause: () => stage.togglePause(),
    comments: () => toggleComments(),
    setRate: (rate: number) => stage.setRate(rate),
    rate: stage.rate,
    run: (command: Command, input: Input) => commands[command](input),
  };
}

/** "Not interested" is sent only when its undo time has passed or the viewer swipes on; until then it can be undone. */
function createDismissal(stage: StageController) {
  const [item, setItem] = createSignal<FeedItem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const commit = () => {
    const dismissed = item();
    clearTimeout(timer);
    setItem(null);
    if (!dismissed) return;
    sendDismissal(dismissed)
      .then(() => stage.source.refreshAfter(stage.active() + 1))
      .catch((error) => toastError(error));
  };
  return {
    item,
    commit,
    undo: () => {
      clearTimeout(timer);
      setItem(null);
    },
    begin: (chosen: FeedItem) => {
      clearTimeout(timer);
      setItem(chosen);
      timer = setTimeout(() => {
        const stillHere = stage.current === chosen;
        commit();
        if (stillHere) stage.go(1, { key: 'dismiss', timeMs: performance.now() });
      }, UNDO_MS);
    },
  };
}

// A guest's answer travels as an event: shaping the feed needs no account.
async function sendDismissal({ video, impressionId }: FeedItem): Promise<void> {
  if (viewer()) {
    await videoEngage(video.id, 'not_interested');
    return;
  }
  outbox.add({ type: 'not_interested', videoId: video.id, ...(impressionId ? { impressionId } : {}) });
  await outbox.flush();
}

export async function shareVideo(item: FeedItem): Promise<void> {
  const url = new URL(routes.video(item.video.id), location.origin).href;
  const title = m.video.shareTitle(item.video.creator.displayName);
  try {
    if (navigator.share && matchMedia('(pointer: coarse)').matches) await navigator.share({ url, title });
    else await copyLink(url);
    countShare(item.video);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) toastError(error);
  }
}

async function copyLink(url: string): Promise<void> {
  // Browsers offer the clipboard to secure origins only; elsewhere the address itself is the next best thing.
  if (!navigator.clipboard) return toast(url);
  await navigator.clipboard.writeText(url);
  toast(m.video.linkCopied);
}

function toggleFullscreen(): void {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.documentElement.requestFullscreen?.().catch(() => undefined);
}
