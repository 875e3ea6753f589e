import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKOFF_FIRST_MS, BACKOFF_LAST_MS, backoffMs } from '../src/phone/backoff.ts';
import {
  addEntry,
  CONTACTS_MAX,
  type Contact,
  checkContacts,
  checkEntry,
  checkHistory,
  dropContact,
  type Entry,
  HISTORY_MAX,
  NAME_MAX,
  nameOf,
  putContact,
  searchContacts,
} from '../src/phone/book.ts';
import { parseTarget, shownParty, TARGET_MAX } from '../src/phone/target.ts';

const uriOf = (typed: string) => {
  const verdict = parseTarget(typed, 'sotto.test');
  return 'target' in verdict ? verdict.target.uri : `! ${verdict.problem}`;
};

test('what people type is what is dialled', () => {
  assert.equal(uriOf('1001'), 'sip:1001@sotto.test');
  assert.equal(uriOf('  echo '), 'sip:echo@sotto.test');
  assert.equal(uriOf('+49 (30) 123-45.67'), 'sip:+49301234567@sotto.test');
  assert.equal(uriOf('tel:+4930123'), 'sip:+4930123@sotto.test');
  assert.equal(uriOf('sip:1001@Other.example'), 'sip:1001@other.example');
  assert.equal(uriOf('SIPS:anna.b@sotto.test'), 'sip:anna.b@sotto.test');
  assert.equal(uriOf('anna-b'), 'sip:anna-b@sotto.test'); // a name keeps its hyphen
  assert.equal(uriOf('*21#'), 'sip:*21%23@sotto.test'); // RFC 3261: # is escaped
});

test('what cannot be called is said to be so', () => {
  for (const bad of [
    '',
    '   ',
    '@x',
    'a b',
    'anna"b',
    '1001@',
    '1001@-x',
    '1001@a..b',
    'ä',
    '<1001>',
    '1\r\nVia: x',
  ])
    assert.match(uriOf(bad), /^! ./, bad);
});

test('a user part has a greatest length', () => {
  assert.match(uriOf('1'.repeat(TARGET_MAX)), /^sip:/);
  assert.match(uriOf('1'.repeat(TARGET_MAX + 1)), /^! .*longer/);
});

test('a far party is shown without our own domain', () => {
  assert.equal(shownParty('1001', 'Sotto.test', 'sotto.test'), '1001');
  assert.equal(shownParty('1001', 'else.test', 'sotto.test'), '1001@else.test');
  assert.equal(shownParty('*21%23', 'sotto.test', 'sotto.test'), '*21#');
  assert.equal(shownParty('100%zz', 'sotto.test', 'sotto.test'), '100%zz');
});

test('tries grow apart, and never beyond the last step', () => {
  assert.equal(backoffMs(0, 0), BACKOFF_FIRST_MS / 2);
  assert.equal(backoffMs(1, 1), BACKOFF_FIRST_MS * 2);
  for (let i = 0; i < 2000; i += 1) {
    assert.ok(backoffMs(i, 0.999) <= BACKOFF_LAST_MS);
    assert.ok(backoffMs(i, 0) >= BACKOFF_FIRST_MS / 2);
  }
});

const entry = (id: number): Entry => ({
  id: String(id),
  number: '1001',
  way: 'out',
  at: id,
  seconds: 1,
  outcome: 'talked',
  level: 'own',
});

test('the history keeps the newest, up to its limit', () => {
  let history: Entry[] = [];
  for (let i = 0; i < HISTORY_MAX; i += 1) history = addEntry(history, entry(i));
  assert.equal(history.length, HISTORY_MAX);
  assert.equal(history.at(-1)?.id, '0');
  history = addEntry(history, entry(HISTORY_MAX));
  assert.equal(history.length, HISTORY_MAX);
  assert.equal(history[0]?.id, String(HISTORY_MAX));
  assert.equal(history.at(-1)?.id, '1');
});

test('what the browser kept is checked, item by item', () => {
  assert.deepEqual(
    checkHistory([entry(1), { ...entry(2), way: 'up' }, null, { ...entry(3), at: 'x' }]),
    [entry(1)],
  );
  assert.equal(checkHistory({ length: 3 }), null);
  assert.equal(checkEntry({ ...entry(1), level: 'end-to-end' }), null);
  assert.equal(checkEntry({ ...entry(1), seconds: Number.NaN }), null);
  assert.deepEqual(
    checkContacts([{ number: '1', name: 'A', extra: 1 }, { number: '', name: 'B' }, 'x']),
    [{ number: '1', name: 'A' }],
  );
  assert.deepEqual(checkContacts([{ number: '1', name: 'x'.repeat(NAME_MAX + 1) }]), []);
  assert.equal(
    checkHistory(Array.from({ length: HISTORY_MAX + 1 }, (_, i) => entry(i)))?.length,
    HISTORY_MAX,
  );
});

test('contacts stand by name, one for a number, up to their limit', () => {
  let contacts: Contact[] = [];
  contacts = putContact(contacts, { number: '2', name: 'Zoe' });
  contacts = putContact(contacts, { number: '1', name: 'Anna' });
  contacts = putContact(contacts, { number: '2', name: 'Bea' });
  assert.deepEqual(
    contacts.map((c) => c.name),
    ['Anna', 'Bea'],
  );
  assert.equal(nameOf(contacts, '2'), 'Bea');
  assert.equal(nameOf(contacts, '3'), '');
  assert.deepEqual(dropContact(contacts, '1'), [{ number: '2', name: 'Bea' }]);
  const many = Array.from({ length: CONTACTS_MAX }, (_, i) => ({ number: `${i}`, name: `n${i}` }));
  assert.equal(putContact(many, { number: 'x', name: 'a' }).length, CONTACTS_MAX);
});

test('contacts are found by any part of name and number', () => {
  const contacts = [
    { number: '1001', name: 'Anna Bergström' },
    { number: '2040', name: 'Workshop' },
  ];
  assert.deepEqual(searchContacts(contacts, 'berg ANN'), [contacts[0]]);
  assert.deepEqual(searchContacts(contacts, '204'), [contacts[1]]);
  assert.deepEqual(searchContacts(contacts, 'nobody'), []);
});
