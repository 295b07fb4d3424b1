// Which dialog is open over the page, one at a time. The dialogs themselves live in components.

import { createSignal } from 'solid-js';
import type { FeedItem } from '../api/wire';

export type SignInReason = 'block' | 'like' | 'save' | 'follow' | 'comment' | 'report';

export type Dialog =
  | { kind: 'sign-in'; reason: SignInReason }
  | { kind: 'menu'; item: FeedItem; onNotInterested: () => void; onChanged: () => void }
  | { kind: 'tune'; item: FeedItem; onChanged: () => void }
  | { kind: 'why'; item: FeedItem }
  | { kind: 'help' };

const [dialog, setDialog] = createSignal<Dialog | null>(null);

export { dialog };

export const openDialog = (next: Dialog): void => {
  setDialog(next);
};
export const closeDialog = (): void => {
  setDialog(null);
};
export const askSignIn = (reason: SignInReason): void => {
  setDialog({ kind: 'sign-in', reason });
};
