// How well a call is protected, and the words for it. Two sources that are not mixed up: what the
// browser itself measures of our own leg (getStats), which is proven, and what the server tells of the
// other leg (X-Sotto-Protection), which is its word. Whatever is missing counts as not known, and never
// as safe.

/** Our own leg, as RTCPeerConnection.getStats() shows it. */
export interface OwnLeg {
  signalling: 'tls' | 'clear'; // how the page reached the server
  dtls: 'connected' | 'other';
  version: string | null; // 'DTLS 1.2'
  suite: string | null; // as IANA's registry spells it
  sending: boolean; // packets have gone out and come in
}

/** The other leg, in the server's words. */
export interface FarLeg {
  keying: 'none' | 'sdes' | 'dtls' | 'zrtp' | 'mikey' | 'pass' | 'server'; // server: it ends there
  suite: string | null;
  signalling: 'tls' | 'clear' | null;
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

export function judge(own: OwnLeg | null, far: FarLeg | null): Protection {
  if (!own) return NOTHING_YET;
  if (own.dtls !== 'connected' || !own.suite)
    return own.sending
      ? {
          level: 'open',
          title: 'Not protected',
          lines: ['Sound flows, but the browser shows no keys for it.'],
        }
      : NOTHING_YET;
  const lines = [ownLine(own)];
  if (own.signalling === 'clear') {
    lines.push(
      'The way to the server is not encrypted: somebody on it could have exchanged the keys.',
    );
    return { level: 'open', title: 'Not protected', lines };
  }
  if (!far) {
    lines.push('From the server to them: not known.');
    return { level: 'own', title: 'Encrypted to the server', lines };
  }
  lines.push(farLine(far));
  if (far.keying === 'none') return { level: 'open', title: 'Their side is not encrypted', lines };
  if (far.keying === 'server') return { level: 'both', title: 'Encrypted to the server', lines };
  if (far.keying === 'pass') return { level: 'own', title: 'Encrypted to the server', lines };
  // SDES keys travel in the signalling: without TLS anyone on the way has them.
  if (far.keying === 'sdes' && far.signalling !== 'tls')
    return { level: 'open', title: 'Their side is weakly protected', lines };
  lines.push('The server joins the two sides, so whoever runs it could listen.');
  return { level: 'both', title: 'Encrypted on both sides', lines };
}

function ownLine(own: OwnLeg): string {
  return `You to the server: ${suiteWords(own.suite)}, keys by ${own.version ?? 'DTLS'}.`;
}

function farLine(far: FarLeg): string {
  switch (far.keying) {
    case 'none':
      return 'From the server to them: in clear, as this number is allowed to.';
    case 'server':
      return 'The server itself is the other end.';
    case 'pass':
      return 'From the server to them: passed on unread; what it is, is not known here.';
    case 'sdes':
      return `From the server to them: ${suiteWords(far.suite)}, keys in the signalling (SDES)${
        far.signalling === 'tls' ? ', which is encrypted' : ', which is not known to be encrypted'
      }; says the server.`;
    default:
      return `From the server to them: ${suiteWords(far.suite)}, keys by ${far.keying.toUpperCase()}; says the server.`;
  }
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

const KEYINGS: readonly string[] = ['none', 'sdes', 'dtls', 'zrtp', 'mikey', 'pass', 'server'];

/** `X-Sotto-Protection: sdes;suite=AES_CM_128_HMAC_SHA1_80;signalling=tls`: of the other leg. Null: no
 * header, or one that is not understood as a whole. */
export function parseFarLeg(header: string | undefined): FarLeg | null {
  if (!header || header.length > 512) return null;
  const [head = '', ...rest] = header.split(';').map((part) => part.trim());
  const keying = head.toLowerCase();
  if (!KEYINGS.includes(keying)) return null;
  const params = new Map<string, string>();
  for (const part of rest) {
    const pair = /^([a-z0-9-]+)=([A-Za-z0-9_.-]+)$/i.exec(part);
    if (!pair?.[1] || !pair[2]) return null;
    params.set(pair[1].toLowerCase(), pair[2]);
  }
  const signalling = params.get('signalling');
  return {
    keying: keying as FarLeg['keying'],
    suite: params.get('suite') ?? null,
    signalling: signalling === 'tls' || signalling === 'wss' ? 'tls' : signalling ? 'clear' : null,
  };
}
