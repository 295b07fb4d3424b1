// The icon set: one grid of 24, one stroke, drawn for this product. An icon is decoration; its button carries the name.

import type { JSX } from 'solid-js';

const SHAPES = {
  heart: 'M12 20.3 4.7 13a4.9 4.9 0 0 1 0-6.9 4.9 4.9 0 0 1 6.9 0l.4.4.4-.4a4.9 4.9 0 0 1 6.9 6.900z',
  comment:
    'M12 4c5 0 9 3.3 9 7.500S17 19 12 19a11 11 0 0 1-2.9-.4L4.5 21l.9-4.100C3.9 15.5 3 13.6 3 11.5 3 7.3 7 4 12 4z',
  bookmark: 'M6.5 3.500h11a1 1 0 0 1 1 1V21L12 16.5 5.5 21V4.500a1 1 0 0 1 1-1z',
  share: 'M13.5 4.5 21 11.500l-7.5 7v-4.200C8.5 14.3 5 15.8 3 19.500c.5-6 4-10.3 10.5-10.800z',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  plus: 'M12 5v14M5 12h14',
  check: 'm5 12.5 4.5 4.500L19 7.5',
  close: 'm6 6 12 12M18 6 6 18',
  home: 'M4 10.7 12 4l8 6.700V19a1.5 1.5 0 0 1-1.5 1.500H15V15H9v5.500H5.500A1.5 1.5 0 0 1 4 19z',
  people:
    'M9 11.500a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.4-3.7 3-5.7 6.5-5.700s6.1 2 6.5 5.700M16 4.900a3.3 3.3 0 0 1 0 6.200M18 14.800c2 .8 3.2 2.6 3.5 5.2',
  upload: 'M12 16V4.500M7 9l5-5 5 5M4.5 15.500v3a2 2 0 0 0 2 2h11a2 2 0 0 0 2-2v-3',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.500c.6-4 3.5-6 7.5-6s6.9 2 7.5 6',
  gear: 'M4 7h8M18 7h2M4 17h2M12 17h8M15 9.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  soundOn: 'M4 9.500v5h3.500L12 18.500v-13L7.5 9.500zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11',
  soundOff: 'M4 9.500v5h3.500L12 18.500v-13L7.5 9.500zM16 9.500l5 5M21 9.500l-5 5',
  play: 'M8 5.200v13.600L19 12z',
  pause: 'M8.5 5v14M15.5 5v14',
  up: 'm6 14.5 6-6 6 6',
  down: 'm6 9.5 6 6 6-6',
  left: 'm14.5 6-6 6 6 6',
  flag: 'M5.5 21V4M5.5 4.500c4-2 7 2 12.5 0v9c-5.5 2-8.5-2-12.5 0',
  notInterested: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM6 6l12 12',
  speed: 'M4.5 18a9 9 0 1 1 15 0M12 14l4-5',
  why: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9.5 9.700a2.5 2.5 0 1 1 3.6 2.200c-.7.4-1.1.9-1.1 1.700M12 16.500h.01',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4.2 4.2 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4.2 4.2 0 0 0 6 6l1-1',
  keyboard:
    'M4 6.500h16a1.5 1.5 0 0 1 1.5 1.500v8a1.5 1.5 0 0 1-1.5 1.500H4A1.5 1.5 0 0 1 2.5 16V8A1.5 1.5 0 0 1 4 6.500zM6.5 10h.01M10 10h.01M14 10h.01M17.5 10h.01M8 14h8',
  trash: 'M4.5 6.500h15M9.5 6.500V4h5v2.500M6.5 6.500l1 14h9l1-14',
  eye: 'M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 14.700a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.400z',
  film: 'M5 4.500h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1zM8.5 4.500v15M15.5 4.500v15M4 12h16M4 8.200h4.500M4 15.800h4.500M15.5 8.200H20M15.5 15.800H20',
  cloudOff: 'M7 18.500a4.5 4.5 0 0 1-.5-9M9 7a6 6 0 0 1 9.5 4 3.8 3.8 0 0 1 1.5 6.800M4 4l16 16',
  flow: 'M3 12h4l2.500-6.500 4.500 13L16.500 12H21',
  steer:
    'M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM12 12m-2 0a2 2 0 1 0 4 0 2 2 0 1 0-4 0M3.500 12H10M14 12h6.500M12 14v6.500',
  clock: 'M12 20.500a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.500V12l3 2',
  full: 'M4.5 9V4.500H9M15 4.500h4.500V9M19.5 15v4.500H15M9 19.500H4.500V15',
  note: 'M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-2.5-2.500A2.5 2.5 0 0 1 9 18zM19 16a2.5 2.5 0 1 1-2.5-2.500A2.5 2.5 0 0 1 19 16z',
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon(props: { name: IconName; filled?: boolean; size?: number; style?: JSX.CSSProperties }) {
  return (
    <svg
      viewBox="0 0 24 24"
      width={props.size ?? 24}
      height={props.size ?? 24}
      fill={props.filled ? 'currentColor' : 'none'}
      stroke="currentColor"
      stroke-width={props.name === 'more' ? 3.2 : 1.9}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      style={props.style}
    >
      <path d={SHAPES[props.name]} />
    </svg>
  );
}

/** The product's mark: three riffled cards. */
export function Mark(props: { size?: number }) {
  return (
    <svg viewBox="8 8 48 48" width={props.size ?? 32} height={props.size ?? 32} aria-hidden="true">
      <rect
        x="13"
        y="16"
        width="22"
        height="34"
        rx="6"
        fill="#8fb8c9"
        opacity=".45"
        transform="rotate(-14 24 50)"
      />
      <rect x="19" y="14" width="22" height="34" rx="6" fill="#8fb8c9" transform="rotate(-3 30 48)" />
      <rect x="26" y="14" width="22" height="34" rx="6" fill="#ff6a45" transform="rotate(9 37 48)" />
      <path d="m35.6 25.3 9.4 7.3-10.9 4.800z" fill="#0b0c10" />
    </svg>
  );
}
