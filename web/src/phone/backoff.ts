// How long to wait before the next try: doubles from FIRST to LAST, with a random part, so that a
// thousand pages do not knock at a server that has just come back all at once.
export const BACKOFF_FIRST_MS = 2_000;
export const BACKOFF_LAST_MS = 60_000;

/** `attempt` counts from 0; `random` is in [0, 1). Between half and the whole of the step. */
export function backoffMs(attempt: number, random: number): number {
  const step = Math.min(BACKOFF_LAST_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(step / 2 + (step / 2) * random);
}
