// How well a call is protected, and the words for it. Two sources that are not mixed up: what the
// browser itself measures of our own leg (getStats), which is proven, and what the server tells of both
// legs (X-Sotto-Protection), which is its word. Whatever is missing counts as not known, and never as
// safe; where the two differ, that is told too.

/** Our own leg, as RTCPeerConnection.getStats() shows it. */
export interface OwnLeg {
  signalling: 'tls' | 'clear'; // how the page reached the server
  dtls: 'connected' | 'other';
  version: string | null; // 'DTLS 1.2'
  suite: string | null; // as IANA's registry spells it
  sending: boolean; // packets have gone out and come in
}

/** A leg in the server's words. */
export interface ToldLeg {
  keying: string; // none, sdes, dtls, zrtp, mikey, pass
  suite: string | null; // none before keys are agreed
  transport: string; // of its signalling: tls, wss, tcp, udp, ws
}

export interface Told {
  word: 'none' | 'yours' | 'other' | 'both' | 'end-to-end';
  you: ToldLeg | null;
  other: ToldLeg | null; // null: the server itself is the other end
}

/** none: no media yet. open: something is not protected. own: our leg is, the other is not known.
 * both: both are, and the server, which joins them, can hear. */
export type Level = 'none' | 'open' | 'own' | 'both';

export interface Protection {
  level: Level;
  title: string;
  lines: string[]; // one a fact
}

export const NOTHING_YET: Protection = {
  level: 'none',
  title: 'No sound yet',
  lines: ['Nothing is sent until keys are agreed.'],
};

export function judge(own: OwnLeg | null, told: Told | null): Protection {
  if (!own) return NOTHING_YET;
  if (own.dtls !== 'connected' || !own.suite)
    return own.sending
      ? {
          level: 'open',
          title: 'Not protected',
          lines: ['Sound flows, but the browser shows no keys for it.'],
        }
      : NOTHING_YET;
  const lines = [`You to the server: ${suiteWords(own.suite)}, keys by ${own.version ?? 'DTLS'}.`];
  const open = (title: string, line: string): Protection => ({
    level: 'open',
    title,
    lines: [...lines, line],
  });
  if (own.signalling === 'clear')
    return open(
      'Not protected',
      'The way to the server is not encrypted: somebody on it could have exchanged the keys.',
    );
  if (told?.you && !agrees(own, told.you))
    return open(
      'Not protected',
      'The server names other keys for your side than the browser does: somebody may be in between.',
    );
  return judgeFar(told, lines, open);
}

/** Our own leg is protected: is the other one, by what the server says? */
function judgeFar(
  told: Told | null,
  lines: string[],
  open: (title: string, line: string) => Protection,
): Protection {
  const toServer = 'Encrypted to the server';
  if (!told) {
    lines.push('From the server to them: not known.');
    return { level: 'own', title: toServer, lines };
  }
  const { other, word } = told;
  const isBoth = word === 'both' || word === 'end-to-end';
  if (!other && isBoth)
    return {
      level: 'both',
      title: toServer,
      lines: [...lines, 'The server itself is the other end.'],
    };
  if (!other || other.keying === 'none')
    return open(
      'Their side is not encrypted',
      'From the server to them: in clear; says the server.',
    );
  if (other.keying === 'sdes' && !isPrivate(other.transport))
    return open(
      'Their side is weakly protected',
      'From the server to them: the keys travel in signalling that is not encrypted (SDES).',
    );
  if (!isBoth) return open('Their side is not encrypted', 'The server does not call it protected.');
  if (!other.suite || other.keying === 'pass') {
    lines.push('From the server to them: keys are not agreed yet, or not known to the server.');
    return { level: 'own', title: toServer, lines };
  }
  lines.push(farLine(other), jointLine(word));
  return { level: 'both', title: 'Encrypted on both sides', lines };
}

/** A suite that one of the two does not name yet is no contradiction. */
function agrees(own: OwnLeg, you: ToldLeg): boolean {
  if (you.keying !== 'dtls') return false;
  return !you.suite || suiteWords(you.suite) === suiteWords(own.suite);
}

const isPrivate = (transport: string) => transport === 'tls' || transport === 'wss';

function farLine(other: ToldLeg): string {
  const keys =
    other.keying === 'sdes'
      ? 'keys by SDES in encrypted signalling'
      : `keys by ${other.keying.toUpperCase()}`;
  return `From the server to them: ${suiteWords(other.suite)}, ${keys}; says the server.`;
}

function jointLine(word: Told['word']): string {
  return word === 'end-to-end'
    ? 'The server says that it has no keys to this call; this page cannot prove that.'
    : 'The server joins the two sides, so whoever runs it could listen.';
}

/** A suite as people say it: SDES's name (`AES_CM_128_HMAC_SHA1_80`, of which AES-256 has two) or
 * DTLS-SRTP's for the same (`SRTP_AES128_CM_HMAC_SHA1_80`), which the browser gives. */
export function suiteWords(suite: string | null): string {
  if (!suite) return 'encrypted, suite not told';
  const gcm = /^(?:SRTP_)?AEAD_AES_(128|256)_GCM$/.exec(suite);
  if (gcm) return `AES-${gcm[1]}-GCM`;
  const cm = /^(?:SRTP_)?AES_?(?:CM_)?(128|192|256)(?:_CM)?_HMAC_SHA1_(32|80)$/.exec(suite);
  if (cm) return `AES-${cm[1]}${cm[2] === '32' ? ' with a short 32-bit check' : ''}`;
  return suite;
}

/** tlsVersion of RTCTransportStats: four hex digits of the record layer's version. */
export function dtlsVersion(hex: string | undefined): string | null {
  switch (hex?.toUpperCase()) {
    case 'FEFF':
      return 'DTLS 1.0';
    case 'FEFD':
      return 'DTLS 1.2';
    case 'FEFC':
      return 'DTLS 1.3';
    default:
      return null;
  }
}

/** The dictionaries of a getStats() report, of which several transports may be one bundle. */
export type StatsEntry = Record<string, unknown> & { type?: unknown };

export function readOwnLeg(
  stats: Iterable<StatsEntry>,
  signalling: 'tls' | 'clear',
): OwnLeg | null {
  const transports: StatsEntry[] = [];
  let sent = 0;
  let received = 0;
  for (const entry of stats) {
    if (entry.type === 'transport') transports.push(entry);
    if (entry.type === 'outbound-rtp') sent += count(entry.packetsSent);
    if (entry.type === 'inbound-rtp') received += count(entry.packetsReceived);
  }
  if (transports.length === 0) return null;
  // A chain is as good as its weakest link: one transport without keys spoils it.
  const connected = transports.every((t) => t.dtlsState === 'connected');
  const suites = new Set(transports.map((t) => text(t.srtpCipher)));
  return {
    signalling,
    dtls: connected ? 'connected' : 'other',
    version: dtlsVersion(text(transports[0]?.tlsVersion) ?? undefined),
    suite: suites.size === 1 ? ([...suites][0] ?? null) : null,
    sending: sent > 0 || received > 0,
  };
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

const WORDS: readonly string[] = ['none', 'yours', 'other', 'both', 'end-to-end'];
const KEYINGS: readonly string[] = ['none', 'sdes', 'dtls', 'zrtp', 'mikey', 'pass'];
const HEADER_MAX = 512;

/** `both;you="dtls AEAD_AES_128_GCM wss";other="sdes AES_CM_128_HMAC_SHA1_80 tls"`. Null: no header, or
 * one that is not understood as a whole. Parameters to come are left alone. */
export function parseTold(header: string | undefined): Told | null {
  if (!header || header.length > HEADER_MAX) return null;
  const [word = '', ...rest] = header.split(';').map((part) => part.trim());
  if (!WORDS.includes(word)) return null;
  const told: Told = { word: word as Told['word'], you: null, other: null };
  for (const part of rest) {
    const pair = /^([a-z-]+)="([A-Za-z0-9_ .-]*)"$/.exec(part);
    if (!pair) return null;
    const name = pair[1];
    if (name !== 'you' && name !== 'other') continue;
    const leg = parseLeg(pair[2] ?? '');
    if (!leg) return null;
    told[name] = leg;
  }
  return told;
}

/** `sdes AES_CM_128_HMAC_SHA1_80 tls`, or without a suite. */
function parseLeg(text: string): ToldLeg | null {
  const words = text.split(' ').filter(Boolean);
  const [keying = '', suite = ''] = words;
  const transport = words.at(-1) ?? '';
  if (words.length < 2 || words.length > 3 || !KEYINGS.includes(keying)) return null;
  return { keying, suite: words.length === 3 ? suite : null, transport };
}
