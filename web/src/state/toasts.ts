// Short messages at the edge of the screen. A few at a time, each leaves by itself. Turns errors into words.

import { createSignal } from 'solid-js';
import { ApiError } from '../api/client';
import { m } from '../messages';

/** What can be taken back, or done next, from where it is told. */
export interface ToastAction {
  label: string;
  run: () => void;
}

export interface Toast {
  id: number;
  text: string;
  action?: ToastAction | undefined;
}

const SHOWN_MAX = 3;
const SHOWN_MS = 4200;
/** Longer where there is something to press. */
const SHOWN_ACTION_MS = 8000;

const [toasts, setToasts] = createSignal<Toast[]>([]);

export { toasts };

let lastId = 0;

export function toast(text: string, action?: ToastAction): void {
  lastId += 1;
  const id = lastId;
  setToasts((list) => [...list.filter((t) => t.text !== text), { id, text, action }].slice(-SHOWN_MAX));
  setTimeout(() => closeToast(id), action ? SHOWN_ACTION_MS : SHOWN_MS);
}

export const closeToast = (id: number): void => {
  setToasts((list) => list.filter((t) => t.id !== id));
};

/** Words for a failed call: what the network or the limit says first, else what was tried. */
export function errorText(error: unknown, tried: string = m.errors.generic): string {
  if (!(error instanceof ApiError)) return tried;
  if (error.isNetwork) return `${tried === m.errors.generic ? '' : `${tried} `}${m.errors.network}`;
  if (error.status === 429) return m.errors.limited(Math.ceil(error.retryAfterS ?? 5));
  return tried;
}

export const toastError = (error: unknown, tried?: string): void => toast(errorText(error, tried));

/** As above, but in the server's own words where it refused what was asked: for forms whose rules only the server knows. */
export function toastRefusal(error: unknown): void {
  const refused = error instanceof ApiError && [400, 404, 409].includes(error.status);
  toast(refused ? error.message : errorText(error));
}
