// What the test pages share: they listen for tones in what their connection brings, and tell its figures.

interface Block {
  loud: boolean;
  shares: Record<number, number>; // of the block's energy, by tone
}

const TONES = [440, 700, 1000, 1004];
const BLOCK_MS = 100;
const FFT = 4096;
const LOUD = 0.003; // root mean square
const PURE = 0.7;
// The tone shall arrive as it is: what cleans speech takes a tone for noise.
export const RAW: MediaTrackConstraints = {
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};

/** A line on the console, for the script. */
export const say = (...words: unknown[]) => console.log(words.join(' '));

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

export class Ear {
  pc: RTCPeerConnection | null = null;
  blocks: Block[] = [];
  #context = new AudioContext();
  #timer: ReturnType<typeof setInterval> | null = null;

  adopt(pc: RTCPeerConnection): void {
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
}
