import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkServerInfo, wsUrl } from '../src/api/client.ts';
import { matchRoute } from '../src/base/router.ts';
import { isText, type Keeper, Saved } from '../src/base/saved.ts';
import { Store } from '../src/base/store.ts';
import { duration, durationSpoken, moment } from '../src/base/words.ts';

test('a store tells its watchers of changes, and of nothing else', () => {
  const store = new Store(1);
  const seen: number[] = [];
  const end = store.watch((value) => seen.push(value));
  store.set(1);
  store.set(2);
  store.update((value) => value + 1);
  end();
  store.set(9);
  assert.deepEqual(seen, [2, 3]);
});

test('a watcher may end its own watching', () => {
  const store = new Store(1);
  const seen: string[] = [];
  const end = store.watch(() => {
    seen.push('once');
    end();
  });
  store.watch(() => seen.push('always'));
  store.set(2);
  store.set(3);
  assert.deepEqual(seen, ['once', 'always', 'always']);
});

test('routes', () => {
  const patterns = ['/', '/recents', '/dial/:number'];
  assert.deepEqual(matchRoute(patterns, ''), { path: '/', params: {} });
  assert.deepEqual(matchRoute(patterns, '#/recents'), { path: '/recents', params: {} });
  assert.deepEqual(matchRoute(patterns, '#/dial/%2B49'), {
    path: '/dial/:number',
    params: { number: '+49' },
  });
  assert.equal(matchRoute(patterns, '#/dial'), null);
  assert.equal(matchRoute(patterns, '#/dial/%zz'), null);
  assert.equal(matchRoute(patterns, '#/recents/1'), null);
});

function keeper(start: Record<string, string> = {}): Keeper & { map: Map<string, string> } {
  const map = new Map(Object.entries(start));
  return {
    map,
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
  };
}
const word = (value: unknown) => (isText(value, 5) ? value : null);

test('what is kept comes back; what is broken does not', () => {
  const k = keeper({ bad: '{', long: '"123456"' });
  const saved = new Saved(k, 'a', word);
  assert.equal(saved.load(), null);
  assert.equal(saved.store('hello'), true);
  assert.equal(saved.load(), 'hello');
  saved.forget();
  assert.equal(saved.load(), null);
  assert.equal(new Saved(k, 'bad', word).load(), null);
  assert.equal(new Saved(k, 'long', word).load(), null);
});

test('a browser that keeps nothing is no error', () => {
  const refusing: Keeper = {
    getItem: () => {
      throw new Error('no');
    },
    setItem: () => {
      throw new Error('full');
    },
    removeItem: () => {
      throw new Error('no');
    },
  };
  for (const saved of [new Saved(null, 'a', word), new Saved(refusing, 'a', word)]) {
    assert.equal(saved.store('x'), false);
    assert.equal(saved.load(), null);
    saved.forget();
  }
});

test('durations', () => {
  assert.equal(duration(-1), '0:00');
  assert.equal(duration(5.9), '0:05');
  assert.equal(duration(754), '12:34');
  assert.equal(duration(3723), '1:02:03');
  assert.equal(durationSpoken(0), '0 seconds');
  assert.equal(durationSpoken(3661), '1 hour 1 minute 1 second');
  assert.equal(durationSpoken(120), '2 minutes');
});

test('moments: today, this week, earlier', () => {
  const now = new Date(2026, 10, 28, 12, 0).getTime();
  assert.match(moment(new Date(2026, 10, 28, 9, 5).getTime(), now, 'en-GB'), /^09:05/);
  assert.equal(moment(new Date(2026, 10, 25, 9, 5).getTime(), now, 'en-GB'), 'Wednesday');
  assert.equal(moment(new Date(2026, 9, 2).getTime(), now, 'en-GB'), '2 Oct 2026');
});

test('what the server says of itself', () => {
  assert.deepEqual(checkServerInfo({ domain: 'Sotto.Test', ws_path: '/ws', version: '1' }), {
    domain: 'sotto.test',
    wsPath: '/ws',
    version: '1',
  });
  for (const bad of [
    null,
    [],
    {},
    { domain: 'x' },
    { domain: 'x', ws_path: 'ws' },
    { domain: 'x', ws_path: '//evil/ws' },
  ])
    assert.equal(checkServerInfo(bad), null);
  assert.equal(wsUrl({ protocol: 'https:', host: 'a:8443' }, '/ws'), 'wss://a:8443/ws');
  assert.equal(wsUrl({ protocol: 'http:', host: 'a' }, '/ws'), 'ws://a/ws');
});
