// The keyboard map of the stage, as data: which key means which command. The stage gives the commands their meaning;
// the help overlay shows this same list.

export type Command =
  | 'next'
  | 'previous'
  | 'pause'
  | 'mute'
  | 'like'
  | 'comments'
  | 'save'
  | 'fullscreen'
  | 'back'
  | 'forward'
  | 'faster'
  | 'slower'
  | 'help';

export const KEYS: Readonly<Record<string, Command>> = {
  ArrowDown: 'next',
  j: 'next',
  ArrowUp: 'previous',
  k: 'previous',
  ' ': 'pause',
  m: 'mute',
  l: 'like',
  c: 'comments',
  s: 'save',
  f: 'fullscreen',
  ArrowLeft: 'back',
  ArrowRight: 'forward',
  '+': 'faster',
  '-': 'slower',
  '?': 'help',
};

/** The command of a key press, unless it is typed into something, held with a modifier, or meant for a control. */
export function commandOf(event: KeyboardEvent): Command | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return undefined;
  const target = event.target instanceof Element ? event.target : undefined;
  if (target?.closest('input, textarea, select, [contenteditable], dialog')) return undefined;
  if (target?.closest('[role="slider"]') && event.key.startsWith('Arrow')) return undefined;
  if (event.key === ' ' && target?.closest('button, a')) return undefined;
  return KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}
