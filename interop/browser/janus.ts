// The test page of a Janus gateway: its API over WebSocket, its SIP plugin, one call at a time. The
// gateway is the SIP phone; the page is that phone's microphone and ear, by WebRTC. What happens goes to
// the console, a line each; the script asks for the rest by way of `janus`.
import { Ear, RAW, say } from './ear';

interface Account {
  ws: string; // the gateway's
  proxy: string; // the SIP server's
  uri: string;
  password: string;
}

interface PluginResult {
  event: string;
  code?: number;
  reason?: string;
  username?: string;
  srtp?: string;
}

interface Message {
  janus: string;
  transaction?: string;
  data?: { id: number };
  error?: { reason: string };
  plugindata?: { data: { result?: PluginResult; error?: string } };
  jsep?: RTCSessionDescriptionInit;
}

const KEEP_ALIVE_MS = 20_000; // a third of what Janus bears
const CODECS: Record<string, string> = { PCMU: 'audio/PCMU', PCMA: 'audio/PCMA' };

class Gateway extends Ear {
  autoAnswer = false;
  #keyed: { srtp?: string; srtp_profile?: string } = {};
  #codec = '';
  #socket: WebSocket | null = null;
  #count = 0;
  #asked = new Map<string, { done: (m: Message) => void; fail: (e: Error) => void }>();
  #ids: { session_id?: number | undefined; handle_id?: number | undefined } = {};
  #offer: RTCSessionDescriptionInit | undefined;

  async start(
    account: Account,
    autoAnswer: boolean,
    srtp: string,
    profile: string,
    codec: string,
  ): Promise<void> {
    this.autoAnswer = autoAnswer;
    this.#codec = codec;
    if (srtp) this.#keyed = { srtp, ...(profile && { srtp_profile: profile }) };
    const socket = new WebSocket(account.ws, 'janus-protocol');
    this.#socket = socket;
    socket.onclose = (e) => say('DISCONNECTED', e.code);
    socket.onmessage = (e) => void this.#onMessage(JSON.parse(e.data));
    await new Promise((done, fail) => {
      socket.onopen = done;
      socket.onerror = () => fail(new Error(`no WebSocket to ${account.ws}`));
    });
    this.#ids.session_id = (await this.#ask({ janus: 'create' })).data?.id;
    const plugin = 'janus.plugin.sip';
    this.#ids.handle_id = (await this.#ask({ janus: 'attach', plugin })).data?.id;
    setInterval(() => void this.#ask({ janus: 'keepalive' }), KEEP_ALIVE_MS);
    await this.#tell({
      request: 'register',
      username: account.uri,
      authuser: account.uri.replace(/^sip:|@.*/g, ''),
      secret: account.password,
      proxy: account.proxy,
      outbound_proxy: account.proxy,
    });
  }

  /** One transaction; of one that goes on, the acknowledgement. */
  #ask(body: object): Promise<Message> {
    this.#count += 1;
    const transaction = `t${this.#count}`;
    this.#socket?.send(JSON.stringify({ ...body, ...this.#ids, transaction }));
    return new Promise((done, fail) => {
      this.#asked.set(transaction, { done, fail });
    });
  }

  #tell(body: object, jsep?: RTCSessionDescriptionInit): Promise<Message> {
    if (jsep) say('SDP local', jsep.type, jsep.sdp);
    return this.#ask({ janus: 'message', body, ...(jsep && { jsep }) });
  }

  async #onMessage(message: Message): Promise<void> {
    const asked = this.#asked.get(message.transaction ?? '');
    this.#asked.delete(message.transaction ?? '');
    if (message.janus === 'error') asked?.fail(new Error(message.error?.reason));
    else asked?.done(message);
    if (message.jsep) say('SDP remote', message.jsep.type, message.jsep.sdp);
    if (message.jsep?.type === 'answer' && this.pc?.signalingState === 'have-local-offer')
      await this.pc.setRemoteDescription(message.jsep);
    const data = message.plugindata?.data;
    if (data?.error) say('ERROR', data.error);
    if (data?.result) await this.#onEvent(data.result, message.jsep);
  }

  async #onEvent(result: PluginResult, jsep?: RTCSessionDescriptionInit): Promise<void> {
    const { event, code, reason, username, srtp } = result;
    say(event.toUpperCase(), ...[code, reason, username, srtp].filter((w) => w !== undefined));
    if (event === 'incomingcall') {
      this.#offer = jsep;
      if (this.autoAnswer) await this.answer();
    }
    if (event === 'updatingcall' && jsep) await this.#update(jsep);
    if (event === 'hangup') this.pc?.close();
  }

  async #open(): Promise<RTCPeerConnection> {
    const pc = new RTCPeerConnection({ iceServers: [] });
    this.adopt(pc);
    const stream = await navigator.mediaDevices.getUserMedia({ audio: RAW });
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
    return pc;
  }

  /** Of an answer Chromium takes no notice: what it sends is the offer's first. */
  #prefer(pc: RTCPeerConnection): void {
    const { codecs } = RTCRtpReceiver.getCapabilities('audio') ?? { codecs: [] };
    const wanted = codecs.filter((c) => c.mimeType === CODECS[this.#codec]);
    for (const t of pc.getTransceivers()) if (wanted.length) t.setCodecPreferences(wanted);
  }

  /** What the other side is to be told, with all candidates. */
  async #described(pc: RTCPeerConnection): Promise<RTCSessionDescriptionInit> {
    await pc.setLocalDescription();
    await new Promise<void>((done) => {
      const look = () => pc.iceGatheringState === 'complete' && done();
      pc.onicegatheringstatechange = look;
      look();
    });
    const { type, sdp } = pc.localDescription as RTCSessionDescription;
    return { type, sdp };
  }

  async dial(uri: string): Promise<void> {
    const pc = await this.#open();
    this.#prefer(pc);
    const offer = await this.#described(pc);
    await this.#tell({ request: 'call', uri, ...this.#keyed }, offer);
  }

  async answer(): Promise<void> {
    if (!this.#offer) throw new Error('nobody calls');
    const pc = await this.#open();
    await pc.setRemoteDescription(this.#offer);
    await this.#tell({ request: 'accept', ...this.#keyed }, await this.#described(pc));
  }

  async #update(offer: RTCSessionDescriptionInit): Promise<void> {
    if (!this.pc) return;
    await this.pc.setRemoteDescription(offer);
    await this.#tell({ request: 'update' }, await this.#described(this.pc));
  }

  async request(request: string, more: object = {}): Promise<void> {
    await this.#tell({ request, ...more });
  }
}

declare global {
  interface Window {
    janus: Gateway;
  }
}
window.janus = new Gateway();
say('LOADED');
