// The registration: one JsSIP user agent, over one WebSocket, to the server that gave the page. JsSIP
// opens the socket again by itself; a registration that fails is tried again from here.
//
//   off -> connecting -> ready <-> lost      refused: number, password or policy; ends the agent
import { UA, Utils, WebSocketInterface } from 'jssip';
import type { RTCSession } from 'jssip/lib/RTCSession';
import type { IncomingRequest, IncomingResponse } from 'jssip/lib/SIPMessage';
import type { RTCSessionEvent, UnRegisteredEvent } from 'jssip/lib/UA';
import { Store } from '../base/store.ts';
import { backoffMs } from './backoff.ts';
import { explainRegistration, type Reason } from './reasons.ts';

export interface Credentials {
  user: string;
  domain: string;
  ha1: string; // RFC 7616: of user, realm and password. Not the password, which is forgotten at once
}

export interface Link {
  state: 'off' | 'connecting' | 'ready' | 'lost' | 'refused';
  reason?: Reason;
}

/** JsSIP has it; its types do not. */
interface Reconnecting {
  transport: { connect(): void };
}

const EXPIRES_S = 600;
const RECOVERY_MIN_S = 2;
const RECOVERY_MAX_S = 30;
// The server refuses for good: another try would be refused as well, and count as an attack.
const FINAL_STATUS = [401, 403, 404, 407];

export function credentialsOf(user: string, domain: string, password: string): Credentials {
  return { user, domain, ha1: Utils.calculateMD5(`${user}:${domain}:${password}`) };
}

/** What a response or request says of a failure. */
export function headersOf(message: IncomingRequest | IncomingResponse | null | undefined) {
  return {
    warning: message?.getHeader('Warning') as string | undefined,
    reason: message?.getHeader('Reason') as string | undefined,
  };
}

export class Agent {
  readonly link = new Store<Link>({ state: 'connecting' });
  #ua: UA;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;
  #onOnline = () => this.tryNow();

  constructor(
    wsUrl: string,
    readonly credentials: Credentials,
    instance: string,
    onIncoming: (session: RTCSession, request: IncomingRequest) => void,
  ) {
    const { user, domain, ha1 } = credentials;
    this.#ua = new UA({
      sockets: new WebSocketInterface(wsUrl),
      uri: `sip:${user}@${domain}`,
      realm: domain,
      ha1,
      instance_id: instance,
      register_expires: EXPIRES_S,
      session_timers: false,
      connection_recovery_min_interval: RECOVERY_MIN_S,
      connection_recovery_max_interval: RECOVERY_MAX_S,
    });
    this.#ua.on('disconnected', ({ error, reason }) => this.#onDisconnected(error, reason));
    this.#ua.on('registered', () => this.#onRegistered());
    this.#ua.on('unregistered', (event) => this.#onUnregistered(event));
    this.#ua.on('registrationFailed', (event) => this.#onFailed(event));
    this.#ua.on('newRTCSession', (event: RTCSessionEvent) => {
      if (event.originator === 'remote') onIncoming(event.session, event.request);
    });
    addEventListener('online', this.#onOnline);
    this.#ua.start();
  }

  get ua(): UA {
    return this.#ua;
  }

  /** Instead of waiting for the next try. */
  tryNow(): void {
    if (this.#stopped) return;
    if (!this.#ua.isConnected()) (this.#ua as UA & Reconnecting).transport.connect();
    else if (!this.#ua.isRegistered()) this.#ua.register();
  }

  stop(): void {
    this.#stopped = true;
    this.#clearRetry();
    removeEventListener('online', this.#onOnline);
    this.#ua.stop();
    if (this.link.get().state !== 'refused') this.link.set({ state: 'off' });
  }

  #onRegistered(): void {
    this.#attempt = 0;
    this.#clearRetry();
    this.link.set({ state: 'ready' });
  }

  #onDisconnected(error: boolean, words: string | undefined): void {
    if (this.#stopped || !error) return;
    this.link.set({
      state: 'lost',
      reason: {
        title: 'No connection to the server',
        hint: 'It is tried again by itself. If the server got a new certificate, reload the page.',
        ...(words ? { said: words } : {}),
      },
    });
  }

  #onUnregistered({ response }: UnRegisteredEvent): void {
    if (this.#stopped || this.link.get().state === 'lost') return;
    // The socket's end tells for itself; this is a server that dropped us.
    if (response || this.#ua.isConnected()) {
      this.link.set({ state: 'lost', reason: { title: 'The server ended the registration' } });
      this.#again();
    }
  }

  #onFailed({ response, cause }: UnRegisteredEvent): void {
    if (this.#stopped) return;
    const status = response?.status_code;
    const reason = explainRegistration({
      ...(status ? { status } : {}),
      ...(response?.reason_phrase ? { phrase: response.reason_phrase } : {}),
      ...(cause ? { cause } : {}),
      ...headersOf(response),
    });
    if (status && FINAL_STATUS.includes(status)) {
      this.link.set({ state: 'refused', reason });
      this.stop();
      return;
    }
    this.link.set({ state: 'lost', reason });
    if (this.#ua.isConnected()) this.#again();
  }

  #again(): void {
    this.#clearRetry();
    this.#retry = setTimeout(() => this.tryNow(), backoffMs(this.#attempt, Math.random()));
    this.#attempt += 1;
  }

  #clearRetry(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }
}
