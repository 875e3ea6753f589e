// The page's own signs: one stroke width, round ends, 24 by 24. They say nothing to a screen reader;
// the words beside them do.
const PATHS = {
  call: 'M5 4h3.5l1.7 4.2-2.1 1.6a11.5 11.5 0 0 0 6.1 6.1l1.6-2.1L20 15.5V19a1.5 1.5 0 0 1-1.6 1.5C10.6 20 4 13.4 3.5 5.6A1.5 1.5 0 0 1 5 4Z',
  hangUp:
    'M3.5 14.5c0-4.5 17-4.5 17 0v1.8c0 .6-.5 1-1.1.9l-3.6-.7a.9.9 0 0 1-.7-.9v-1.9c-2-.6-4.2-.6-6.2 0v1.9c0 .4-.3.8-.7.9l-3.6.7a.9.9 0 0 1-1.1-.9Z',
  mic: 'M12 3.5a2.8 2.8 0 0 1 2.8 2.8v5a2.8 2.8 0 0 1-5.6 0v-5A2.8 2.8 0 0 1 12 3.5ZM6 11a6 6 0 0 0 12 0M12 17v3.5',
  micOff:
    'M9.2 7.8V6.3a2.8 2.8 0 0 1 5.6 0v4.5M6 11a6 6 0 0 0 9.3 5M18 11a6 6 0 0 1-.6 2.6M12 17v3.5M4 4l16 16',
  pause: 'M9 5.5v13M15 5.5v13',
  play: 'M8 5.5l10 6.5-10 6.5Z',
  keypad:
    'M6 5.5h.01M12 5.5h.01M18 5.5h.01M6 11h.01M12 11h.01M18 11h.01M6 16.5h.01M12 16.5h.01M18 16.5h.01M12 21h.01',
  speaker: 'M4 9.5v5h3.5L12 18.5v-13L7.5 9.5ZM15.5 9.2a4 4 0 0 1 0 5.6M18 6.5a7.8 7.8 0 0 1 0 11',
  recents: 'M12 4a8 8 0 1 1-7.4 5M4 4.5V9h4.5M12 8v4.3l3 1.8',
  contacts: 'M12 4a3.7 3.7 0 1 1 0 7.4A3.7 3.7 0 0 1 12 4ZM4.5 20a7.5 7.5 0 0 1 15 0',
  settings: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  erase: 'M8.5 5.5H20v13H8.5L3 12ZM11.5 9.5l5 5M16.5 9.5l-5 5',
  close: 'M6 6l12 12M18 6L6 18',
  add: 'M12 5v14M5 12h14',
  incoming: 'M18 6L7 17M7 9v8h8',
  outgoing: 'M6 18L17 7M9 7h8v8',
  missed: 'M19 6l-7 7-7-7M5 10V6h4',
  lock: 'M6 10.5h12v9H6ZM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5M12 14v2.5',
  lockHalf: 'M6 10.5h12v9H6ZM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5M12 10.5v9',
  lockOpen: 'M6 10.5h12v9H6ZM8.5 10.5V7.5a3.5 3.5 0 0 1 6.8-1.2M12 14v2.5',
  lockNone: 'M6 10.5h12v9H6ZM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5',
  leave: 'M10 4.5H5v15h5M9 12h11M16 8l4 4-4 4',
  remove: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 24 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      <path class={name === 'keypad' ? 'dots' : undefined} d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a hairpin, as music writes that a voice grows softer. */
export function Mark({ width = 40 }: { width?: number }) {
  return (
    <svg class="mark" viewBox="0 0 40 20" width={width} height={width / 2} aria-hidden="true">
      <path d="M3 3L37 10L3 17" />
    </svg>
  );
}
