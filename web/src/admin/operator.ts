// Remembers on this device that the viewer was let in as an operator, so that the menu can lead there. A hint for the menu
// alone: whether the page opens is the server's word, each time.

import { createSignal } from 'solid-js';
import { viewer } from '../api/auth';

const KEY = 'riffle.operator';

const [operator, setOperator] = createSignal(localStorage.getItem(KEY));

/** Whether the viewer was let in here before. */
export const isOperator = (): boolean => viewer() !== null && operator() === viewer()?.id;

/** Notes that the server let the viewer in. */
export function rememberOperator(): void {
  const id = viewer()?.id;
  if (!id || operator() === id) return;
  localStorage.setItem(KEY, id);
  setOperator(id);
}
