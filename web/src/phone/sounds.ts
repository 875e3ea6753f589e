// What the page itself sounds: ringing, the tone while the other phone rings, keys. All are made here,
// quietly; there is no file to load.

type Pattern = { hz: number[]; on: number; off: number; loud: number };

// Two soft steps, a pause: not to be mistaken for the tone that a caller hears.
const RING: Pattern[] = [
  { hz: [523.25, 659.25], on: 0.35, off: 0.08, loud: 0.16 },
  { hz: [440, 554.37], on: 0.55, off: 2.2, loud: 0.13 },
];
const RINGBACK: Pattern[] = [{ hz: [425], on: 1, off: 4, loud: 0.05 }];
const KEY_ROWS = [697, 770, 852, 941];
const KEY_COLUMNS = [1209, 1336, 1477];
const KEYS = '123456789*0#';

export class Sounds {
  #context: AudioContext | null = null;
  #stopLoop: (() => void) | null = null;
  #sink = '';

  /** One context for the page; a browser lets it sound only after a key or a click. */
  get context(): AudioContext {
    this.#context ??= new AudioContext();
    return this.#context;
  }

  get mayPlay(): boolean {
    return this.#context?.state === 'running';
  }

  /** To be called from a click or a key. */
  async wake(): Promise<void> {
    try {
      if (this.context.state === 'suspended') await this.context.resume();
    } catch {
      // it stays silent; calls work all the same
    }
  }

  async useSpeaker(id: string): Promise<void> {
    if (id === this.#sink) return;
    const context = this.context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
    try {
      await context.setSinkId?.(id);
      this.#sink = id;
    } catch {
      // that device is gone: the usual one rings
    }
  }

  ring(): void {
    this.#loop(RING);
  }

  ringback(): void {
    this.#loop(RINGBACK);
  }

  stop(): void {
    this.#stopLoop?.();
    this.#stopLoop = null;
  }

  key(key: string): void {
    const i = KEYS.indexOf(key);
    const row = KEY_ROWS[Math.floor(i / 3)];
    const column = KEY_COLUMNS[i % 3];
    if (i < 0 || !row || !column || !this.mayPlay) return;
    this.#tone([row, column], this.context.currentTime, 0.09, 0.03);
  }

  #loop(pattern: Pattern[]): void {
    this.stop();
    const playing = new Set<OscillatorNode>();
    let next = 0;
    let i = 0;
    const step = () => {
      const now = this.context.currentTime;
      if (!this.mayPlay) next = 0;
      // Scheduled ahead of the clock, so that a busy page does not make it stumble.
      while (this.mayPlay && next < now + 0.5) {
        const part = pattern[i % pattern.length];
        if (!part) return;
        next = Math.max(next, now + 0.02);
        for (const node of this.#tone(part.hz, next, part.on, part.loud)) {
          playing.add(node);
          node.onended = () => playing.delete(node);
        }
        next += part.on + part.off;
        i += 1;
      }
    };
    const timer = setInterval(step, 200);
    step();
    this.#stopLoop = () => {
      clearInterval(timer);
      for (const node of playing) node.stop();
    };
  }

  #tone(hz: number[], at: number, seconds: number, loud: number): OscillatorNode[] {
    const gain = this.context.createGain();
    gain.connect(this.context.destination);
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud, at + 0.015);
    gain.gain.setValueAtTime(loud, at + seconds - 0.04);
    gain.gain.linearRampToValueAtTime(0, at + seconds);
    return hz.map((f) => {
      const node = this.context.createOscillator();
      node.frequency.value = f;
      node.connect(gain);
      node.start(at);
      node.stop(at + seconds + 0.02);
      return node;
    });
  }
}
