import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  explain,
  explainEnd,
  explainMicrophone,
  explainRegistration,
  serversWords,
} from '../src/phone/reasons.ts';

test('statuses that calls end with have a sentence of their own', () => {
  const titles = [403, 404, 408, 480, 486, 487, 488, 500, 503, 600, 603].map(
    (status) => explain({ status }).title,
  );
  assert.equal(new Set(titles).size, titles.length);
  assert.match(explain({ status: 488 }).hint ?? '', /Nothing was sent in clear/);
  assert.match(explain({ status: 486 }).title, /another call/);
});

test('statuses without one are told by class, with what came', () => {
  assert.equal(explain({ status: 499, phrase: 'Odd' }).hint, '499 Odd');
  assert.match(explain({ status: 599 }).title, /fault/);
  assert.match(explain({ status: 699 }).title, /refused/);
  assert.match(explain({ status: 302, phrase: 'Moved' }).hint ?? '', /302 Moved/);
});

test('without a response the cause decides; an unknown one is shown', () => {
  assert.match(explain({ cause: 'Connection Error' }).title, /connection/);
  assert.deepEqual(explain({ cause: 'New Word' }), { title: 'The call failed', hint: 'New Word' });
});

test('the server’s own words are shown as its words', () => {
  const warning = '399 sotto.test "1001 allows no \\"clear\\" media"';
  assert.equal(explain({ status: 488, warning }).said, '1001 allows no "clear" media');
  assert.equal(
    serversWords({ reason: 'SIP;cause=200;text="Call completed elsewhere"' }),
    'Call completed elsewhere',
  );
  assert.equal(serversWords({ warning: 'nonsense' }), undefined);
  assert.equal(serversWords({ warning: '399 a ""' }), undefined);
  assert.equal(serversWords({}), undefined);
});

test('an answered call ends calmly, unless it was cut off', () => {
  assert.deepEqual(explainEnd({ cause: 'Terminated', byOther: true }), {
    title: 'They hung up',
    calm: true,
  });
  assert.deepEqual(explainEnd({ cause: 'Terminated', byOther: false }), {
    title: 'You hung up',
    calm: true,
  });
  assert.match(
    explainEnd({ cause: 'Terminated', byOther: true, reason: 'SIP;cause=503;text="stopping"' })
      .title,
    /busy or about/,
  );
  assert.equal(explainEnd({ cause: 'RTP Timeout' }).calm, undefined);
});

test('why there is no microphone', () => {
  assert.match(explainMicrophone('NotAllowedError', true).title, /not allowed/);
  assert.match(explainMicrophone('NotFoundError', true).title, /no microphone/);
  assert.match(explainMicrophone('NotReadableError', true).hint ?? '', /Another program/);
  assert.match(explainMicrophone('OverconstrainedError', true).title, /chosen/);
  assert.match(explainMicrophone('NotAllowedError', false).hint ?? '', /https/);
  assert.equal(explainMicrophone('Strange', true).hint, 'Strange');
});

test('why the page is not registered', () => {
  assert.match(explainRegistration({ status: 401 }).title, /password/);
  assert.match(explainRegistration({ cause: 'Authentication Error' }).title, /password/);
  assert.match(explainRegistration({ status: 403 }).hint ?? '', /wss/);
  assert.match(explainRegistration({ status: 503 }).title, /busy/);
});
