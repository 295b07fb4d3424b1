// A dialog over the page: from the bottom on a phone, in the middle where there is room. Built on <dialog>, which
// traps focus, makes the rest inert, closes on Escape and gives focus back.

import { type JSX, onCleanup, onMount } from 'solid-js';
import { m } from '../messages';
import { Icon } from './icon';
import './sheet.css';

interface SheetProps {
  title: string;
  /** Tall sheets (comments) take most of a phone's screen. */
  tall?: boolean;
  onClose: () => void;
  children: JSX.Element;
}

const DRAG_CLOSE_PX = 90;

export function Sheet(props: SheetProps) {
  let dialog!: HTMLDialogElement;
  const onBackdrop = (event: MouseEvent) => {
    if (event.target === dialog) props.onClose();
  };
  onMount(() => {
    const before = document.activeElement;
    dialog.showModal();
    dialog.addEventListener('click', onBackdrop);
    onCleanup(() => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    });
  });
  return (
    <dialog
      ref={dialog}
      class="sheet"
      classList={{ 'sheet--tall': props.tall }}
      aria-label={props.title}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
    >
      <div class="sheet__body">
        <header
          class="sheet__head"
          ref={(element) =>
            dragToClose(
              element,
              () => dialog,
              () => props.onClose(),
            )
          }
        >
          <h2 class="sheet__title">{props.title}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label={m.dialog.close}
            onClick={() => props.onClose()}
          >
            <Icon name="close" size={22} />
          </button>
        </header>
        {props.children}
      </div>
    </dialog>
  );
}

/** Pulling the head down closes the sheet; letting go early puts it back. */
function dragToClose(head: HTMLElement, dialog: () => HTMLDialogElement, close: () => void): void {
  let startY: number | undefined;
  head.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' || (event.target as Element).closest('button')) return;
    startY = event.clientY;
    head.setPointerCapture(event.pointerId);
  });
  head.addEventListener('pointermove', (event) => {
    if (startY !== undefined) dialog().style.translate = `0 ${Math.max(0, event.clientY - startY)}px`;
  });
  const end = (event: PointerEvent) => {
    if (startY === undefined) return;
    const moved = event.clientY - startY;
    startY = undefined;
    dialog().style.translate = '';
    if (moved > DRAG_CLOSE_PX) close();
  };
  head.addEventListener('pointerup', end);
  head.addEventListener('pointercancel', end);
}
