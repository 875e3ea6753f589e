import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dtlsVersion,
  judge,
  type OwnLeg,
  parseTold,
  readOwnLeg,
  suiteWords,
  type Told,
} from '../src/phone/protection.ts';

const own: OwnLeg = {
  signalling: 'tls',
  dtls: 'connected',
  version: 'DTLS 1.2',
  suite: 'SRTP_AEAD_AES_128_GCM',
  sending: true,
};
const you = { keying: 'dtls', suite: 'AEAD_AES_128_GCM', transport: 'wss' };
const other = { keying: 'sdes', suite: 'AES_CM_128_HMAC_SHA1_80', transport: 'tls' };
const far: Told = { word: 'both', you, other };
const farIs = (change: Partial<typeof other>, word: Told['word'] = 'both'): Told => ({
  word,
  you,
  other: { ...other, ...change },
});

// As Chromium's getStats() has it.
const chromium = [
  {
    type: 'transport',
    dtlsState: 'connected',
    srtpCipher: 'SRTP_AEAD_AES_128_GCM',
    tlsVersion: 'FEFD',
  },
  { type: 'outbound-rtp', packetsSent: 50 },
  { type: 'inbound-rtp', packetsReceived: 49 },
  { type: 'codec' },
];

test('our own leg is read from the figures of the browser', () => {
  assert.deepEqual(readOwnLeg(chromium, 'tls'), own);
  assert.equal(readOwnLeg([], 'tls'), null);
  assert.equal(readOwnLeg([{ type: 'codec' }], 'tls'), null);
  const idle = readOwnLeg([{ type: 'transport', dtlsState: 'new' }], 'tls');
  assert.deepEqual(idle, {
    signalling: 'tls',
    dtls: 'other',
    version: null,
    suite: null,
    sending: false,
  });
});

test('one transport without keys spoils the whole', () => {
  const leg = readOwnLeg([...chromium, { type: 'transport', dtlsState: 'failed' }], 'tls');
  assert.equal(leg?.dtls, 'other');
  assert.equal(judge(leg, far).level, 'open');
});

test('nothing is claimed before there are keys', () => {
  assert.equal(judge(null, far).level, 'none');
  assert.equal(judge({ ...own, dtls: 'other', sending: false }, far).level, 'none');
  assert.equal(judge({ ...own, suite: null, sending: false }, far).level, 'none');
});

test('sound without proof of keys is not protected, whatever the server says', () => {
  assert.equal(judge({ ...own, dtls: 'other' }, far).level, 'open');
  assert.equal(judge({ ...own, suite: null }, far).level, 'open');
});

test('keys agreed over a clear way to the server prove nothing', () => {
  const told = judge({ ...own, signalling: 'clear' }, far);
  assert.equal(told.level, 'open');
  assert.match(told.lines.join(' '), /exchanged the keys/);
});

test('the other leg counts only as far as the server tells it', () => {
  assert.equal(judge(own, null).level, 'own');
  assert.equal(judge(own, far).level, 'both');
  assert.equal(judge(own, farIs({ keying: 'zrtp', transport: 'udp' })).level, 'both');
  assert.equal(judge(own, farIs({ keying: 'none' }, 'yours')).level, 'open');
  assert.equal(judge(own, farIs({ keying: 'none' })).level, 'open'); // whatever the word
  assert.equal(judge(own, farIs({}, 'yours')).level, 'open'); // whatever the leg
  assert.equal(judge(own, farIs({ keying: 'pass' })).level, 'own');
  assert.equal(
    judge(own, { ...farIs({}), other: { keying: 'dtls', suite: null, transport: 'wss' } }).level,
    'own',
  );
  assert.equal(judge(own, { word: 'both', you, other: null }).level, 'both'); // the server itself
  assert.equal(judge(own, { word: 'yours', you, other: null }).level, 'open');
});

test('what the server says of our own leg must be what the browser measures', () => {
  assert.equal(
    judge(own, { ...far, you: { ...you, suite: 'AES_CM_128_HMAC_SHA1_80' } }).level,
    'open',
  );
  assert.equal(judge(own, { ...far, you: { ...you, keying: 'sdes' } }).level, 'open');
  assert.equal(judge(own, { ...far, you: { ...you, suite: null } }).level, 'both'); // not yet told
  assert.equal(judge(own, { ...far, you: null }).level, 'both');
});

test('SDES keys that travelled in clear protect nothing', () => {
  for (const transport of ['udp', 'tcp', 'ws'])
    assert.equal(judge(own, farIs({ transport })).level, 'open', transport);
});

test('a relayed call never claims that nobody in between could listen', () => {
  assert.match(judge(own, far).lines.join(' '), /could listen/);
  assert.match(judge(own, { ...far, word: 'end-to-end' }).lines.join(' '), /cannot prove/);
});

test('the server’s header is taken whole or not at all', () => {
  assert.deepEqual(
    parseTold('both;you="dtls AEAD_AES_128_GCM wss";other="sdes AES_CM_128_HMAC_SHA1_80 tls"'),
    far,
  );
  assert.deepEqual(parseTold('other;other="dtls wss";later="1"'), {
    word: 'other',
    you: null,
    other: { keying: 'dtls', suite: null, transport: 'wss' },
  });
  assert.deepEqual(parseTold('both'), { word: 'both', you: null, other: null });
  for (const bad of [
    undefined,
    '',
    'safe',
    'BOTH',
    'both;',
    'both;you',
    'both;you=dtls',
    'both;you="dtls"',
    'both;you="dtls a b wss"',
    'both;you="rot13 wss"',
    'both;you="dtls wss',
    `both;later="${'x'.repeat(600)}"`,
  ])
    assert.equal(parseTold(bad), null, bad);
});

test('suites and versions in words', () => {
  assert.equal(suiteWords('AES_CM_128_HMAC_SHA1_80'), 'AES-128');
  assert.equal(suiteWords('AES_256_CM_HMAC_SHA1_80'), 'AES-256');
  assert.match(suiteWords('AES_CM_128_HMAC_SHA1_32'), /AES-128 with a short/);
  assert.equal(suiteWords('AES_CM_256_HMAC_SHA1_80'), 'AES-256');
  assert.equal(suiteWords('SRTP_AES128_CM_HMAC_SHA1_80'), 'AES-128');
  assert.match(suiteWords('SRTP_AES128_CM_HMAC_SHA1_32'), /AES-128 with a short/);
  assert.equal(suiteWords('AEAD_AES_256_GCM'), 'AES-256-GCM');
  assert.equal(suiteWords('SRTP_AEAD_AES_128_GCM'), 'AES-128-GCM');
  assert.equal(suiteWords('F8_128'), 'F8_128');
  assert.match(suiteWords(null), /not told/);
  assert.equal(dtlsVersion('fefd'), 'DTLS 1.2');
  assert.equal(dtlsVersion('FEFC'), 'DTLS 1.3');
  assert.equal(dtlsVersion('0303'), null);
  assert.equal(dtlsVersion(undefined), null);
});
