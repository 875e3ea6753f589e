// Why something did not work, in plain words. A title says what happened, `hint` what one can do;
// `said` is what the server had to say (RFC 3261 Warning, RFC 3326 Reason), shown as its words.

export interface Reason {
  title: string;
  hint?: string;
  said?: string;
  calm?: boolean; // nothing failed: somebody hung up
}

export interface Failure {
  status?: number; // of a response
  phrase?: string; // its reason phrase
  warning?: string | undefined; // header values, as they came
  reason?: string | undefined;
  cause?: string; // JsSIP's word where there is no response
  byOther?: boolean;
}

const BY_STATUS: Record<number, Reason> = {
  400: {
    title: 'The server did not understand the call',
    hint: 'The page may be older than the server: reload it.',
  },
  401: { title: 'The password was not accepted', hint: 'Log in again.' },
  403: {
    title: 'The server does not allow this call',
    hint: 'Ask whoever runs it what this number may do.',
  },
  404: { title: 'Nobody has this number', hint: 'Look at the number once more.' },
  405: { title: 'That cannot be called' },
  407: { title: 'The password was not accepted', hint: 'Log in again.' },
  408: {
    title: 'No answer came',
    hint: 'Their phone may have lost its connection. Try again later.',
  },
  410: { title: 'This number is no longer in use' },
  415: { title: 'Their phone does not understand this one' },
  420: { title: 'Their phone lacks something that this call needs' },
  423: { title: 'The server wants longer registrations than this page asks for' },
  433: { title: 'They do not take calls from callers who hide their number' },
  480: {
    title: 'They cannot be reached now',
    hint: 'Their phone is off, away, or nobody answered.',
  },
  481: { title: 'The server no longer knew of this call' },
  482: {
    title: 'The call went in a circle',
    hint: 'A forwarding leads back to where it came from.',
  },
  483: {
    title: 'The call went in a circle',
    hint: 'A forwarding leads back to where it came from.',
  },
  484: { title: 'The number is not complete' },
  486: { title: 'They are on another call' },
  487: { title: 'The call was cancelled', calm: true },
  488: {
    title: 'The two phones found no way to talk safely',
    hint: 'One of them cannot encrypt the way the other must, or they share no codec. Nothing was sent in clear.',
  },
  491: { title: 'Both sides changed the call at once', hint: 'Try again.' },
  500: { title: 'The server had a fault', hint: 'Its log says more.' },
  502: { title: 'A server on the way had a fault' },
  503: { title: 'The server is busy or about to stop', hint: 'Try again in a moment.' },
  504: { title: 'A server on the way did not answer' },
  600: { title: 'They are busy everywhere' },
  603: { title: 'They declined the call' },
  604: { title: 'Nobody has this number anywhere' },
  606: { title: 'The two phones found no way to talk' },
};

const BY_CAUSE: Record<string, Reason> = {
  'Connection Error': {
    title: 'The connection to the server was lost',
    hint: 'It is tried again by itself.',
  },
  'Request Timeout': { title: 'The server did not answer', hint: 'Try again in a moment.' },
  'SIP Failure Code': { title: 'The server refused the call' },
  'No Answer': { title: 'Nobody answered' },
  'RTP Timeout': { title: 'No sound came any more', hint: 'The network may block it.' },
  'User Denied Media Access': { title: 'The microphone is not allowed' },
  'WebRTC Error': { title: 'The browser could not set up the sound' },
  'Bad Media Description': {
    title: 'The browser did not accept the offered sound',
    hint: 'A phone that must send in clear cannot talk with a browser.',
  },
  'Missing SDP': { title: 'The offer of sound was missing' },
  'Dialog Error': { title: 'The server no longer knew of this call' },
  'No ACK': { title: 'The call was answered, but the caller never heard of it' },
  Expires: { title: 'Nobody answered in time' },
  Canceled: { title: 'The caller gave up', calm: true },
  Terminated: { title: 'The call has ended', calm: true },
};

export function explain(failure: Failure): Reason {
  const said = serversWords(failure);
  const known = failure.status === undefined ? undefined : BY_STATUS[failure.status];
  const byCause = failure.cause === undefined ? undefined : BY_CAUSE[failure.cause];
  const base = known ?? (failure.status ? byClass(failure.status, failure.phrase) : byCause);
  const reason: Reason = base ?? {
    title: 'The call failed',
    ...(failure.cause ? { hint: failure.cause } : {}),
  };
  return said ? { ...reason, said } : { ...reason };
}

function byClass(status: number, phrase = ''): Reason {
  const told = phrase ? `${status} ${phrase}` : `${status}`;
  if (status < 400)
    return {
      title: 'The call was sent elsewhere',
      hint: `This page does not follow it (${told}).`,
    };
  if (status < 500) return { title: 'The call was refused', hint: told };
  if (status < 600) return { title: 'The server had a fault', hint: told };
  return { title: 'They refused the call', hint: told };
}

/** How a call ended that had been answered. */
export function explainEnd(failure: Failure): Reason {
  const q850 = failure.reason ? /\bSIP\s*;\s*cause\s*=\s*(\d+)/i.exec(failure.reason) : null;
  const said = serversWords(failure);
  if (failure.cause && failure.cause !== 'Terminated') return explain(failure);
  if (q850 && Number(q850[1]) >= 400) return explain({ ...failure, status: Number(q850[1]) });
  const title = failure.byOther ? 'They hung up' : 'You hung up';
  return said ? { title, said, calm: true } : { title, calm: true };
}

/** The text of Warning (its quoted part) or Reason (text=). */
export function serversWords({ warning, reason }: Failure): string | undefined {
  const quoted = /^\s*\d{3}\s+\S+\s+"((?:[^"\\]|\\.)*)"/.exec(warning ?? '');
  const text = /;\s*text\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(reason ?? '');
  const found = (quoted?.[1] ?? text?.[1] ?? '').replace(/\\(.)/g, '$1').trim();
  return found || undefined;
}

/** Why there is no microphone: getUserMedia's errors. */
export function explainMicrophone(name: string, isSecure: boolean): Reason {
  if (!isSecure)
    return {
      title: 'The browser gives no microphone to this page',
      hint: 'It must be opened by https, with a certificate that the browser accepts.',
    };
  switch (name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return {
        title: 'The microphone is not allowed',
        hint: 'Allow it for this page: the sign beside the address opens the settings. Then call again.',
      };
    case 'NotFoundError':
      return { title: 'There is no microphone', hint: 'Plug one in, then call again.' };
    case 'OverconstrainedError':
      return {
        title: 'The chosen microphone is gone',
        hint: 'Choose another under Settings, or plug it in again.',
      };
    case 'NotReadableError':
    case 'AbortError':
      return {
        title: 'The microphone does not answer',
        hint: 'Another program may hold it. Close that one, then call again.',
      };
    default:
      return { title: 'The microphone cannot be used', hint: name };
  }
}

/** Why the page is not registered. */
export function explainRegistration(failure: Failure): Reason {
  if (failure.status === 401 || failure.status === 407 || failure.cause === 'Authentication Error')
    return { title: 'Number or password is not right', ...said(failure) };
  if (failure.status === 403)
    return {
      title: 'This number may not be used from a browser',
      hint: 'Its user must be allowed the transport “wss”.',
      ...said(failure),
    };
  if (failure.status === 404)
    return { title: 'The server does not know this domain', ...said(failure) };
  return explain(failure);
}

function said(failure: Failure): { said?: string } {
  const words = serversWords(failure);
  return words ? { said: words } : {};
}
