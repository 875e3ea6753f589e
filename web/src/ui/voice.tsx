// Two hairpins that open with the two voices: theirs from the left, yours from the right.
import { useEffect, useRef } from 'preact/hooks';

const FFT = 512;
const FALL = 0.85; // of the last height, a frame: a hand that closes slowly
const FULL = 0.25; // root mean square at which a hairpin stands wide open
const HALF_HEIGHT = 26;

interface Meter {
  read(): number; // 0 to 1
  end(): void;
}

function meter(context: AudioContext, stream: MediaStream | null): Meter | null {
  if (!stream || stream.getAudioTracks().length === 0) return null;
  const source = context.createMediaStreamSource(stream);
  const analyser = context.createAnalyser();
  analyser.fftSize = FFT;
  source.connect(analyser);
  const samples = new Float32Array(FFT);
  return {
    read() {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const v of samples) sum += v * v;
      return Math.min(1, Math.sqrt(Math.sqrt(sum / FFT) / FULL));
    },
    end: () => source.disconnect(),
  };
}

export function Voice(props: {
  context: AudioContext;
  theirs: MediaStream | null;
  yours: MediaStream | null;
  quiet: boolean; // on hold
}) {
  const svg = useRef<SVGSVGElement>(null);
  const { context, theirs, yours, quiet } = props;

  useEffect(() => {
    const paths = svg.current?.querySelectorAll('path');
    if (!paths || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const meters = [meter(context, theirs), meter(context, yours)];
    const heights = [0, 0];
    let frame = 0;
    const draw = () => {
      meters.forEach((m, i) => {
        heights[i] = Math.max(m?.read() ?? 0, (heights[i] ?? 0) * FALL);
        paths[i]?.setAttribute('d', hairpin(i === 0, quiet ? 0 : (heights[i] ?? 0)));
      });
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => {
      cancelAnimationFrame(frame);
      for (const m of meters) m?.end();
    };
  }, [context, theirs, yours, quiet]);

  return (
    <svg ref={svg} class="voice" viewBox="0 0 320 64" aria-hidden="true">
      <path class="theirs" d={hairpin(true, 0.3)} />
      <path class="yours" d={hairpin(false, 0.3)} />
    </svg>
  );
}

function hairpin(isLeft: boolean, level: number): string {
  const h = 3 + HALF_HEIGHT * level;
  const [tip, end] = isLeft ? [10, 152] : [310, 168];
  return `M${end} ${(32 - h).toFixed(1)}L${tip} 32L${end} ${(32 + h).toFixed(1)}`;
}
