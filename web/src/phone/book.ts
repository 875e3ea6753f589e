// The two lists that the browser keeps: who was called, and whom one knows.
import { type Check, checkList, isRecord, isText } from '../base/saved.ts';
import type { Level } from './protection.ts';

export const HISTORY_MAX = 200;
export const CONTACTS_MAX = 500;
export const NAME_MAX = 80;

export interface Contact {
  number: string;
  name: string;
}

export type Outcome = 'talked' | 'missed' | 'declined' | 'failed' | 'cancelled';

export interface Entry {
  id: string;
  number: string;
  way: 'in' | 'out';
  at: number; // ms since 1970
  seconds: number; // of talk
  outcome: Outcome;
  level: Level; // the best that was proven before it ended
}

const OUTCOMES: readonly string[] = ['talked', 'missed', 'declined', 'failed', 'cancelled'];
const LEVELS: readonly string[] = ['none', 'open', 'own', 'both'];

const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0;

export const checkContact: Check<Contact> = (value) =>
  isRecord(value) && isText(value.number) && value.number !== '' && isText(value.name, NAME_MAX)
    ? { number: value.number, name: value.name }
    : null;

export const checkEntry: Check<Entry> = (value) => {
  if (!isRecord(value)) return null;
  const { id, number, way, at, seconds, outcome, level } = value;
  if (!isText(id) || !isText(number) || !isCount(at) || !isCount(seconds)) return null;
  if (way !== 'in' && way !== 'out') return null;
  if (!isText(outcome) || !OUTCOMES.includes(outcome)) return null;
  if (!isText(level) || !LEVELS.includes(level)) return null;
  return { id, number, way, at, seconds, outcome: outcome as Outcome, level: level as Level };
};

export const checkContacts = checkList(checkContact, CONTACTS_MAX);
export const checkHistory = checkList(checkEntry, HISTORY_MAX);

/** Newest first; the oldest goes. */
export function addEntry(history: Entry[], entry: Entry): Entry[] {
  return [entry, ...history].slice(0, HISTORY_MAX);
}

/** In the order of names; one name for a number. */
export function putContact(contacts: Contact[], contact: Contact): Contact[] {
  const others = contacts.filter((c) => c.number !== contact.number);
  return [...others, contact].sort(byName).slice(0, CONTACTS_MAX);
}

export function dropContact(contacts: Contact[], number: string): Contact[] {
  return contacts.filter((c) => c.number !== number);
}

export function nameOf(contacts: Contact[], number: string): string {
  return contacts.find((c) => c.number === number)?.name ?? '';
}

/** Contacts in whose name or number every word typed stands. */
export function searchContacts(contacts: Contact[], typed: string): Contact[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return contacts.filter((c) => {
    const text = `${c.name} ${c.number}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

function byName(a: Contact, b: Contact): number {
  return a.name.localeCompare(b.name) || a.number.localeCompare(b.number);
}
