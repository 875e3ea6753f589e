// One call: a JsSIP session and what the page shows of it.
//
//   calling -> ringing -> talking -> ended        (ours)
//   incoming -> answering -> talking -> ended     (theirs)
import type { UA } from 'jssip';
import type { EndEvent, IncomingEvent, OutgoingEvent, RTCSession } from 'jssip/lib/RTCSession';
import type { IncomingRequest, IncomingResponse } from 'jssip/lib/SIPMessage';
import { Store } from '../base/store.ts';
import { headersOf } from './agent.ts';
import type { Outcome } from './book.ts';
import { closeMicrophone } from './devices.ts';
import {
  judge,
  NOTHING_YET,
  type Protection,
  parseTold,
  readOwnLeg,
  type StatsEntry,
  type Told,
} from './protection.ts';
import { explain, explainEnd, type Failure, type Reason } from './reasons.ts';

export type Phase = 'calling' | 'ringing' | 'incoming' | 'answering' | 'talking' | 'ended';

export interface CallView {
  id: string;
  way: 'in' | 'out';
  number: string; // as it can be dialled again
  phase: Phase;
  startedAt: number;
  answeredAt: number | null;
  endedAt: number | null;
  muted: boolean;
  held: boolean; // by us
  heldByThem: boolean;
  busy: boolean; // hold or resume is on its way
  interrupted: boolean; // the media path is gone, for now
  earlyMedia: boolean; // the network's own ringing is heard
  protection: Protection;
  reason: Reason | null; // of the end
  outcome: Outcome | null;
}

const STATS_EVERY_MS = 1000;
const CANDIDATES_MS = 1000; // enough for what a host knows of itself
const PC_CONFIG: RTCConfiguration = {
  iceServers: [],
  bundlePolicy: 'max-bundle',
  rtcpMuxPolicy: 'require',
};
const KEY_MS = 120;

/** JsSIP has it; its types do not. */
interface Receiving {
  receiveRequest(request: IncomingRequest & { method: string; reply(status: number): void }): void;
}

export class Call {
  readonly view: Store<CallView>;
  readonly remote = new Store<MediaStream | null>(null);
  #session: RTCSession | null = null;
  #pc: RTCPeerConnection | null = null;
  #microphone: MediaStream | null = null;
  #told: Told | null = null;
  #stats: ReturnType<typeof setInterval> | null = null;
  #signalling: 'tls' | 'clear';
  #declined = false;

  constructor(id: string, way: 'in' | 'out', number: string, signalling: 'tls' | 'clear') {
    this.#signalling = signalling;
    this.view = new Store<CallView>({
      id,
      way,
      number,
      phase: way === 'out' ? 'calling' : 'incoming',
      startedAt: Date.now(),
      answeredAt: null,
      endedAt: null,
      muted: false,
      held: false,
      heldByThem: false,
      busy: false,
      interrupted: false,
      earlyMedia: false,
      protection: NOTHING_YET,
      reason: null,
      outcome: null,
    });
  }

  get microphone(): MediaStream | null {
    return this.#microphone;
  }

  get connection(): RTCPeerConnection | null {
    return this.#pc;
  }

  get isOver(): boolean {
    return this.view.get().phase === 'ended';
  }

  // --- what the user does ---

  /** Takes the microphone. */
  start(ua: UA, uri: string, microphone: MediaStream): void {
    this.#microphone = microphone;
    const session = ua.call(uri, {
      mediaStream: microphone,
      pcConfig: PC_CONFIG,
      // Comes before there is anything to return.
      eventHandlers: { peerconnection: ({ peerconnection }) => this.#adopt(peerconnection) },
    });
    this.bind(session);
  }

  /** A session in which nothing has happened yet. */
  bind(session: RTCSession, request?: IncomingRequest): void {
    this.#session = session;
    this.#listenIn(session);
    if (request) this.#readTold(request);
    session.on('peerconnection', ({ peerconnection }) => this.#adopt(peerconnection));
    session.on('icecandidate', ({ ready }) => setTimeout(ready, CANDIDATES_MS));
    // Of a call to us JsSIP tells the same, without a response.
    session.on('progress', (event: IncomingEvent | OutgoingEvent) => {
      if ('response' in event && event.response) this.#onProgress(event.response);
    });
    session.on('accepted', (event: IncomingEvent | OutgoingEvent) => {
      if ('response' in event && event.response) this.#readTold(event.response);
      this.#onAnswered();
    });
    session.on('hold', ({ originator }) => this.#onHold(originator, true));
    session.on('unhold', ({ originator }) => this.#onHold(originator, false));
    session.on('failed', (event) => this.#onOver(event, false));
    session.on('ended', (event) => this.#onOver(event, true));
  }

  /** Takes the microphone. */
  answer(microphone: MediaStream): void {
    if (this.view.get().phase !== 'incoming' || !this.#session) {
      closeMicrophone(microphone);
      return;
    }
    this.#microphone = microphone;
    this.#show({ phase: 'answering' });
    this.#session.answer({ mediaStream: microphone, pcConfig: PC_CONFIG });
  }

  decline(status: 486 | 603): void {
    this.#declined = true;
    this.#session?.terminate({ status_code: status });
  }

  hangUp(): void {
    if (this.isOver) return;
    if (this.#session && !this.#session.isEnded()) this.#session.terminate();
    else this.#finish({ title: 'You hung up', calm: true }, 'cancelled');
  }

  /** The call could not even begin. */
  fail(reason: Reason): void {
    this.#finish(reason, 'failed');
  }

  setMuted(muted: boolean): void {
    if (!this.#session || this.isOver) return;
    if (muted) this.#session.mute({ audio: true });
    else this.#session.unmute({ audio: true });
    this.#show({ muted });
  }

  setHeld(held: boolean): void {
    const session = this.#session;
    if (!session || this.view.get().phase !== 'talking' || this.view.get().busy) return;
    const done = () => this.#show({ busy: false });
    const begun = held ? session.hold({}, done) : session.unhold({}, done);
    this.#show({ busy: begun });
  }

  /** RFC 4733 where the far side takes it, else SIP INFO. */
  sendKey(key: string): void {
    const session = this.#session;
    if (!session || this.view.get().phase !== 'talking') return;
    const sender = this.#pc?.getSenders().find((s) => s.track?.kind === 'audio')?.dtmf;
    const transportType = sender?.canInsertDTMF ? 'RFC2833' : 'INFO';
    session.sendDTMF(key, { duration: KEY_MS, transportType: transportType as never });
  }

  async useMicrophone(stream: MediaStream): Promise<void> {
    const track = stream.getAudioTracks()[0];
    const sender = this.#pc?.getSenders().find((s) => s.track?.kind === 'audio');
    if (!track || !sender || this.isOver) {
      closeMicrophone(stream);
      return;
    }
    track.enabled = sender.track?.enabled ?? true; // muted stays muted
    await sender.replaceTrack(track);
    closeMicrophone(this.#microphone);
    this.#microphone = stream;
  }

  /** The server is reached again: a path that broke meanwhile is looked for anew. */
  mend(): void {
    const state = this.#pc?.iceConnectionState;
    if (this.view.get().phase === 'talking' && (state === 'failed' || state === 'disconnected'))
      this.#session?.renegotiate({ rtcOfferConstraints: { iceRestart: true } as never });
  }

  // --- what happens ---

  #adopt(pc: RTCPeerConnection): void {
    if (this.#pc === pc) return;
    this.#pc = pc;
    pc.addEventListener('track', ({ streams, track }) =>
      this.remote.set(streams[0] ?? new MediaStream([track])),
    );
    pc.addEventListener('connectionstatechange', () => {
      this.#show({
        interrupted: pc.connectionState === 'disconnected' || pc.connectionState === 'failed',
      });
      void this.measure();
    });
    this.#stats = setInterval(() => void this.measure(), STATS_EVERY_MS);
  }

  /** Reads the browser's own figures anew. */
  async measure(): Promise<void> {
    const pc = this.#pc;
    if (!pc || pc.connectionState === 'closed') return;
    const report = await pc.getStats();
    if (this.isOver) return; // what was shown last stays
    const entries: StatsEntry[] = [];
    report.forEach((entry: StatsEntry) => {
      entries.push(entry);
    });
    const protection = judge(readOwnLeg(entries, this.#signalling), this.#told);
    const now = this.view.get().protection;
    if (JSON.stringify(now) !== JSON.stringify(protection)) this.#show({ protection });
  }

  #onProgress(response: IncomingResponse): void {
    if (this.isOver) return;
    this.#show({ phase: 'ringing', earlyMedia: Boolean(response.body) });
  }

  #onAnswered(): void {
    if (this.isOver) return;
    this.#show({ phase: 'talking', answeredAt: Date.now() });
    void this.measure();
  }

  #onHold(originator: string, held: boolean): void {
    this.#show(originator === 'local' ? { held } : { heldByThem: held });
  }

  #onOver(event: EndEvent, wasAnswered: boolean): void {
    if (this.isOver) return;
    const { originator, cause } = event;
    // JsSIP puts an error's text there as well, or nothing.
    const message = typeof event.message === 'object' ? event.message : null;
    const response = message && 'status_code' in message ? (message as IncomingResponse) : null;
    const failure: Failure = {
      ...headersOf(message),
      ...(response ? { status: Number(response.status_code), phrase: response.reason_phrase } : {}),
      cause,
      byOther: originator === 'remote',
    };
    if (wasAnswered) this.#finish(explainEnd(failure), 'talked');
    else this.#finish(...this.#explainFailed(failure));
  }

  #explainFailed(failure: Failure): [Reason, Outcome] {
    if (this.#declined) return [{ title: 'You declined', calm: true }, 'declined'];
    if (this.view.get().way === 'out')
      return failure.byOther || failure.cause !== 'Canceled'
        ? [explain(failure), 'failed']
        : [{ title: 'You hung up', calm: true }, 'cancelled'];
    // RFC 3326: another phone of ours has taken it.
    if (/cause\s*=\s*200\b/.test(failure.reason ?? ''))
      return [{ title: 'Answered elsewhere', calm: true }, 'talked'];
    return [explain(failure), this.#microphone ? 'failed' : 'missed'];
  }

  #finish(reason: Reason, outcome: Outcome): void {
    if (this.isOver) return;
    if (this.#stats !== null) clearInterval(this.#stats);
    closeMicrophone(this.#microphone);
    this.#microphone = null;
    this.remote.set(null);
    this.#show({ phase: 'ended', endedAt: Date.now(), reason, outcome, busy: false });
  }

  #readTold(message: IncomingRequest | IncomingResponse): void {
    const header = message.getHeader('X-Sotto-Protection') as string | undefined;
    if (header === undefined) return;
    this.#told = parseTold(header);
    void this.measure();
  }

  /** JsSIP tells of no INFO without a body, with which the server says that protection has changed. */
  #listenIn(session: RTCSession): void {
    const inner = session as RTCSession & Receiving;
    const receive = inner.receiveRequest.bind(session);
    inner.receiveRequest = (request) => {
      this.#readTold(request);
      if (request.method === 'INFO' && !request.getHeader('Content-Type')) request.reply(200);
      else receive(request);
    };
  }

  #show(change: Partial<CallView>): void {
    this.view.update((view) => ({ ...view, ...change }));
  }
}
