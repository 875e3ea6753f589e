// The test page: JsSIP as its users have it, nothing of sotto's own page. What happens goes to the
// console, a line each; the script asks for the rest by way of `rig`.
import { UA, WebSocketInterface } from 'jssip';
import type { DTMF, EndEvent, RTCSession } from 'jssip/lib/RTCSession';
import { Ear, RAW, say } from './ear';

interface Account {
  ws: string;
  uri: string;
  password: string;
}

const PC_CONFIG: RTCConfiguration = { iceServers: [] };
const MEDIA = { mediaConstraints: { audio: RAW, video: false }, pcConfig: PC_CONFIG };

class Rig extends Ear {
  ua: UA | null = null;
  session: RTCSession | null = null;
  autoAnswer = false;

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
    if (session.connection) this.adopt(session.connection);
    else session.on('peerconnection', (e) => this.adopt(e.peerconnection));
    if (originator === 'remote') {
      say('INCOMING', session.remote_identity.uri.toString());
      if (this.autoAnswer) session.answer(MEDIA);
    }
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

  /** No server: two connections of this page, one to the other. Does the rig itself hear? */
  async loop(): Promise<void> {
    const [a, b] = [new RTCPeerConnection(PC_CONFIG), new RTCPeerConnection(PC_CONFIG)];
    a.onicecandidate = (e) => e.candidate && b.addIceCandidate(e.candidate);
    b.onicecandidate = (e) => e.candidate && a.addIceCandidate(e.candidate);
    this.adopt(b);
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
