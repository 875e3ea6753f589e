// Pages by the address's fragment: `#/recents`, `#/dial/1001`. One table (ui/pages.tsx) names them; the
// console's pages are rows to come.
import { Store } from './store.ts';

export interface Place {
  path: string; // the row's pattern
  params: Record<string, string>;
}

/** The first pattern that fits; null: none. Patterns: `/`, `/users`, `/users/:name`. */
export function matchRoute(patterns: readonly string[], hash: string): Place | null {
  const parts = split(hash.replace(/^#/, ''));
  for (const path of patterns) {
    const params = matchOne(split(path), parts);
    if (params) return { path, params };
  }
  return null;
}

function split(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function matchOne(pattern: string[], parts: string[]): Record<string, string> | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [i, want] of pattern.entries()) {
    const got = parts[i] ?? '';
    if (want.startsWith(':')) {
      const value = decode(got);
      if (value === null) return null;
      params[want.slice(1)] = value;
    } else if (want !== got) {
      return null;
    }
  }
  return params;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // a stray % in an address that somebody typed
  }
}

/** The place where the address stands; an unknown one counts as the first pattern. */
export function watchRoute(patterns: readonly string[]): Store<Place> {
  const home: Place = { path: patterns[0] ?? '/', params: {} };
  const read = () => matchRoute(patterns, location.hash) ?? home;
  const place = new Store(read());
  addEventListener('hashchange', () => place.set(read()));
  return place;
}

export function goTo(path: string): void {
  location.hash = `#${path}`;
}
