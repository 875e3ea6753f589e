import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dtlsVersion,
  type FarLeg,
  judge,
  type OwnLeg,
  parseFarLeg,
  readOwnLeg,
  suiteWords,
} from '../src/phone/protection.ts';

const own: OwnLeg = {
  signalling: 'tls',
  dtls: 'connected',
  version: 'DTLS 1.2',
  suite: 'SRTP_AEAD_AES_128_GCM',
  sending: true,
};
const far: FarLeg = { keying: 'sdes', suite: 'AES_CM_128_HMAC_SHA1_80', signalling: 'tls' };

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
  assert.equal(judge(own, { ...far, keying: 'zrtp', signalling: 'clear' }).level, 'both');
  assert.equal(judge(own, { ...far, keying: 'none', suite: null }).level, 'open');
  assert.equal(judge(own, { ...far, keying: 'pass' }).level, 'own');
  assert.equal(judge(own, { ...far, keying: 'server' }).level, 'both');
});

test('SDES keys that travelled in clear protect nothing', () => {
  assert.equal(judge(own, { ...far, signalling: 'clear' }).level, 'open');
  assert.equal(judge(own, { ...far, signalling: null }).level, 'open');
});

test('a relayed call never claims that nobody in between could listen', () => {
  assert.match(judge(own, far).lines.join(' '), /could listen/);
});

test('the server’s header is taken whole or not at all', () => {
  assert.deepEqual(parseFarLeg('sdes;suite=AES_CM_128_HMAC_SHA1_80;signalling=tls'), far);
  assert.deepEqual(parseFarLeg(' DTLS ; suite=AEAD_AES_256_GCM ; signalling=wss ; later=1'), {
    keying: 'dtls',
    suite: 'AEAD_AES_256_GCM',
    signalling: 'tls',
  });
  assert.equal(parseFarLeg('zrtp;signalling=udp')?.signalling, 'clear');
  assert.equal(parseFarLeg('none')?.keying, 'none');
  for (const bad of [
    undefined,
    '',
    'safe',
    'sdes;',
    'sdes;suite',
    'sdes;suite="x"',
    'sdes, none',
    `sdes;a=${'x'.repeat(600)}`,
  ])
    assert.equal(parseFarLeg(bad), null, bad);
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
