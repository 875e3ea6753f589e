"""Tones: made as WAV files, and looked for in samples."""
import math
import wave
from array import array

RATE = 16000
AMPLITUDE = 10000  # of 32767: room for what a codec adds
BLOCK_SECONDS = 0.1
SILENCE = 100  # root mean square of a block that holds nothing
PURE = 0.7  # share of a block's energy that a tone heard well has


def write(path, hz, seconds=60, rate=RATE):
    """A file of a tone; its end meets its beginning without a click where hz is whole."""
    period = array("h", (round(AMPLITUDE * math.sin(2 * math.pi * hz * i / rate))
                         for i in range(rate)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        for _ in range(seconds):
            out.writeframes(period.tobytes())


def read(path):
    """(samples, rate) of a 16-bit WAV, also of one that is still being written."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return array("h"), RATE
    at, rate, channels = 12, RATE, 1
    while at + 8 <= len(data):
        kind, size = data[at:at + 4], int.from_bytes(data[at + 4:at + 8], "little")
        at += 8
        if kind == b"fmt ":
            channels = int.from_bytes(data[at + 2:at + 4], "little")
            rate = int.from_bytes(data[at + 4:at + 8], "little")
        if kind == b"data":
            break
        at += size + size % 2
    samples = array("h", data[at:at + (len(data) - at) // 2 * 2])
    return samples[::channels], rate


def share(samples, rate, hz):
    """How much of the samples' energy is at this frequency: 0 to 1 (Goertzel)."""
    k = 2 * math.cos(2 * math.pi * hz / rate)
    s1 = s2 = energy = 0.0
    for v in samples:
        s1, s2 = v + k * s1 - s2, s1
        energy += v * v
    if not energy:
        return 0.0
    return min(1.0, 2 * (s1 * s1 + s2 * s2 - k * s1 * s2) / (len(samples) * energy))


def blocks(samples, rate):
    n = int(rate * BLOCK_SECONDS)
    return [samples[i:i + n] for i in range(0, len(samples) - n + 1, n)]


def is_loud(block):
    return sum(v * v for v in block) > SILENCE * SILENCE * len(block)


def seconds_of(samples, rate, hz):
    """For how long the tone is heard well."""
    return sum(is_loud(b) and share(b, rate, hz) >= PURE
               for b in blocks(samples, rate)) * BLOCK_SECONDS


def describe(samples, rate, *tones):
    """One line for a message: how long, how much of it loud, how much of each tone."""
    loud = sum(map(is_loud, blocks(samples, rate))) * BLOCK_SECONDS
    heard = ", ".join(f"{hz} Hz {seconds_of(samples, rate, hz):.1f} s" for hz in tones)
    return f"{len(samples) / rate:.1f} s recorded, {loud:.1f} s loud, {heard}"


# --- G.711, to look into RTP ---

def _ulaw(u):
    u = ~u & 0xff
    t = ((u & 0x0f) << 3) + 0x84 << (u >> 4 & 7)
    return 0x84 - t if u & 0x80 else t - 0x84


def _alaw(a):
    a ^= 0x55
    segment, t = a >> 4 & 7, (a & 0x0f) << 4
    t = t + 8 if segment == 0 else t + 0x108 << segment - 1
    return t if a & 0x80 else -t


PCMU = [_ulaw(i) for i in range(256)]
PCMA = [_alaw(i) for i in range(256)]
