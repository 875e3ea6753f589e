// The test page: JsSIP as its users have it, nothing of sotto's own page. What happens goes to the
// console, a line each; the script asks for the rest by way of `rig`.
import { UA, WebSocketInterface } from 'jssip';
import type { DTMF, EndEvent, RTCSession } from 'jssip/lib/RTCSession';

interface Account {
  ws: string;
  uri: string;
  password: string;
}

interface Block {
  loud: boolean;
  shares: Record<number, number>; // of the block's energy, by tone
}

const TONES = [440, 700, 1000, 1004];
const BLOCK_MS = 100;
const FFT = 4096;
const LOUD = 0.003; // root mean square
const PURE = 0.7;
const PC_CONFIG: RTCConfiguration = { iceServers: [] };
// The tone shall arrive as it is: what cleans speech takes a tone for noise.
const RAW: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};
const MEDIA = { mediaConstraints: { audio: RAW, video: false }, pcConfig: PC_CONFIG };

const say = (...words: unknown[]) => console.log(words.join(' '));

/** How much of the samples' energy is at this frequency (Goertzel). */
function share(samples: Float32Array, rate: number, hz: number): number {
  const k = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let [s1, s2, energy] = [0, 0, 0];
  for (const v of samples) {
    [s1, s2] = [v + k * s1 - s2, s1];
    energy += v * v;
  }
  if (energy === 0) return 0;
  return Math.min(1, (2 * (s1 * s1 + s2 * s2 - k * s1 * s2)) / (samples.length * energy));
}

class Rig {
  ua: UA | null = null;
  session: RTCSession | null = null;
  pc: RTCPeerConnection | null = null;
  blocks: Block[] = [];
  autoAnswer = false;
  #context = new AudioContext();
  #timer: ReturnType<typeof setInterval> | null = null;

  start(account: Account, autoAnswer: boolean): void {
    this.autoAnswer = autoAnswer;
    const ua = new UA({
      sockets: new WebSocketInterface(account.ws),
      uri: account.uri,
      password: account.password,
      register: true,
      session_timers: false,
    });
    this.ua = ua;
    ua.on('connected', () => say('CONNECTED'));
    ua.on('disconnected', (e) => say('DISCONNECTED', e.code, e.reason));
    ua.on('registered', () => say('REGISTERED'));
    ua.on('unregistered', () => say('UNREGISTERED'));
    ua.on('registrationFailed', (e) =>
      say('REGISTRATION-FAILED', e.response?.status_code, e.cause),
    );
    ua.on('newRTCSession', (e: { session: RTCSession; originator: string }) =>
      this.#follow(e.session, e.originator),
    );
    ua.start();
  }

  #follow(session: RTCSession, originator: string): void {
    this.session = session;
    session.on('sdp', (e) => say('SDP', e.originator, e.type, e.sdp));
    session.on('progress', () => say('PROGRESS'));
    session.on('accepted', () => say('ACCEPTED'));
    session.on('confirmed', () => say('CONFIRMED'));
    session.on('hold', (e) => say('HOLD', e.originator));
    session.on('unhold', (e) => say('UNHOLD', e.originator));
    session.on('newDTMF', (e: { originator: string; dtmf: DTMF }) =>
      say('DTMF', e.originator, e.dtmf.tone),
    );
    for (const name of ['failed', 'ended'] as const)
      session.on(name, (e: EndEvent) => {
        const status =
          typeof e.message === 'object' && e.message && 'status_code' in e.message
            ? e.message.status_code
            : '-';
        say(
          name.toUpperCase(),
          e.originator,
          status,
          e.cause,
          (typeof e.message === 'object' && e.message?.getHeader('Warning')) ?? '',
        );
      });
    if (session.connection) this.#adopt(session.connection);
    else session.on('peerconnection', (e) => this.#adopt(e.peerconnection));
    if (originator === 'remote') {
      say('INCOMING', session.remote_identity.uri.toString());
      if (this.autoAnswer) session.answer(MEDIA);
    }
  }

  #adopt(pc: RTCPeerConnection): void {
    this.pc = pc;
    pc.addEventListener('track', (e) => this.#hear(e.streams[0] ?? new MediaStream([e.track])));
    pc.addEventListener('connectionstatechange', () => say('PC', pc.connectionState));
  }

  #hear(stream: MediaStream): void {
    // Chromium decodes only what an element plays.
    const player = new Audio();
    player.srcObject = stream;
    player.muted = true;
    void player.play();
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = FFT;
    this.#context.createMediaStreamSource(stream).connect(analyser);
    void this.#context.resume();
    const samples = new Float32Array(FFT);
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      let energy = 0;
      for (const v of samples) energy += v * v;
      const shares = Object.fromEntries(
        TONES.map((hz) => [hz, share(samples, this.#context.sampleRate, hz)]),
      );
      this.blocks.push({ loud: Math.sqrt(energy / FFT) > LOUD, shares });
    }, BLOCK_MS);
    say('TRACK');
  }

  stop(): void {
    this.ua?.stop();
  }

  dial(target: string): void {
    this.ua?.call(target, MEDIA);
  }

  answer(): void {
    this.session?.answer(MEDIA);
  }

  /** Done when the far side has agreed. */
  hold(): Promise<void> {
    return new Promise((done, fail) => {
      if (!this.session?.hold({}, done)) fail(new Error('cannot hold now'));
    });
  }

  unhold(): Promise<void> {
    return new Promise((done, fail) => {
      if (!this.session?.unhold({}, done)) fail(new Error('cannot resume now'));
    });
  }

  key(key: string): void {
    this.session?.sendDTMF(key, { transportType: 'RFC2833' as never });
  }

  end(status?: number): void {
    this.session?.terminate(status ? { status_code: status } : {});
  }

  /** A mark: what is heard later lies behind it. */
  mark(): number {
    return this.blocks.length;
  }

  /** Seconds behind the mark in which the tone was heard well; and, for a message, how it was. */
  heard(hz: number, mark = 0): { seconds: number; loud: number; blocks: number } {
    const blocks = this.blocks.slice(mark);
    const loud = blocks.filter((b) => b.loud);
    const good = loud.filter((b) => (b.shares[hz] ?? 0) >= PURE);
    return {
      seconds: (good.length * BLOCK_MS) / 1000,
      loud: (loud.length * BLOCK_MS) / 1000,
      blocks: blocks.length,
    };
  }

  /** The parts of getStats() that prove something. */
  async stats(): Promise<Record<string, unknown>> {
    const told: Record<string, unknown> = { state: this.pc?.connectionState };
    const entries = new Map<string, Record<string, unknown>>();
    (await this.pc?.getStats())?.forEach((entry: Record<string, unknown>) => {
      entries.set(String(entry.id), entry);
    });
    const pick = (entry: Record<string, unknown> | undefined, names: string) =>
      Object.fromEntries(names.split(' ').map((name) => [name, entry?.[name] ?? null]));
    for (const entry of entries.values()) {
      if (entry.type === 'transport') {
        told.transport = pick(
          entry,
          'dtlsState srtpCipher dtlsCipher tlsVersion dtlsRole iceState iceRole',
        );
        const pair = entries.get(String(entry.selectedCandidatePairId));
        told.pair = pick(pair, 'state nominated');
        told.remote = pick(
          entries.get(String(pair?.remoteCandidateId)),
          'address port candidateType',
        );
      }
      if (entry.type === 'inbound-rtp') {
        told.in = pick(entry, 'packetsReceived packetsLost');
        told.codec = pick(entries.get(String(entry.codecId)), 'mimeType clockRate');
      }
      if (entry.type === 'outbound-rtp') told.out = pick(entry, 'packetsSent');
    }
    return told;
  }

  /** No server: two connections of this page, one to the other. Does the rig itself hear? */
  async loop(): Promise<void> {
    const [a, b] = [new RTCPeerConnection(PC_CONFIG), new RTCPeerConnection(PC_CONFIG)];
    a.onicecandidate = (e) => e.candidate && b.addIceCandidate(e.candidate);
    b.onicecandidate = (e) => e.candidate && a.addIceCandidate(e.candidate);
    this.#adopt(b);
    const stream = await navigator.mediaDevices.getUserMedia({ audio: RAW });
    for (const track of stream.getTracks()) a.addTrack(track, stream);
    await a.setLocalDescription();
    await b.setRemoteDescription(a.localDescription as RTCSessionDescription);
    await b.setLocalDescription();
    await a.setRemoteDescription(b.localDescription as RTCSessionDescription);
  }
}

declare global {
  interface Window {
    rig: Rig;
  }
}
window.rig = new Rig();
say('LOADED');
