// What the browser keeps for us. Anything may stand there (an older version's, a hand's), so each
// value is checked on its way in; a browser that keeps nothing (private windows) is no error.

export type Check<T> = (value: unknown) => T | null;

export interface Keeper {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

export class Saved<T> {
  constructor(
    private readonly keeper: Keeper | null,
    private readonly key: string,
    private readonly check: Check<T>,
  ) {}

  load(): T | null {
    try {
      const text = this.keeper?.getItem(this.key);
      return text ? this.check(JSON.parse(text)) : null;
    } catch {
      return null;
    }
  }

  /** False where it could not be kept: full, or not allowed. */
  store(value: T): boolean {
    try {
      if (!this.keeper) return false;
      this.keeper.setItem(this.key, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  }

  forget(): void {
    try {
      this.keeper?.removeItem(this.key);
    } catch {
      // nothing is kept where nothing may be removed
    }
  }
}

/** localStorage or sessionStorage; null where the browser refuses even to name it. */
export function keeper(kind: 'localStorage' | 'sessionStorage'): Keeper | null {
  try {
    return globalThis[kind] ?? null;
  } catch {
    return null;
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown, max = 256): value is string {
  return typeof value === 'string' && value.length <= max;
}

/** The items of a list that pass; null where it is no list. */
export function checkList<T>(check: Check<T>, max: number): Check<T[]> {
  return (value) => {
    if (!Array.isArray(value)) return null;
    return value
      .slice(0, max)
      .map(check)
      .filter((item): item is T => item !== null);
  };
}
