"""A capture of everything in the script's network, by tcpdump, and what can be told from it."""
import signal
import struct
import subprocess
from collections import defaultdict, namedtuple

from . import tone, waits

Datagram = namedtuple("Datagram", "time src sport dst dport data")
Rtp = namedtuple("Rtp", "time src sport dst dport payload_type seq ssrc payload data")

ETHERNET, RAW_IP = 1, 101
HALF = 1 << 15
CLEAR_TONE = 0.5  # share of a flow's blocks with a tone, above which it is clear speech
FLOW_MIN = 25  # packets, half a second: fewer say nothing


class Capture:
    """tcpdump on lo, where local traffic goes; a context manager."""

    def __init__(self, folder, name="capture"):
        self.path = folder / f"{name}.pcap"
        self.process = self.log = None

    def __enter__(self):
        self.process = subprocess.Popen(
            # Its ring has a place of -s bytes for each packet: more would leave few places.
            ["tcpdump", "-i", "lo", "-w", self.path, "-U", "--immediate-mode", "-s", "4096", "-Z",
             "root", "-B", "16384", "udp"], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = waits.Lines("tcpdump", self.process.stderr)
        self.log.wait_line("listening on")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(waits.PATIENCE)

    def check_whole(self):
        _, m = self.log.wait_line(r"(\d+) packets dropped by kernel")
        assert m[1] == "0", f"the capture lost {m[1]} packets: it proves nothing"

    def datagrams(self):
        return list(read(self.path))

    def rtp(self):
        return [p for p in map(as_rtp, self.datagrams()) if p]


def read(path):
    """UDP datagrams over IPv4 of a pcap file."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    magic, = struct.unpack(order + "I", data[:4])
    fraction = 1e-9 if magic == 0xa1b23c4d else 1e-6
    link, = struct.unpack(order + "I", data[20:24])
    at = 24
    while at + 16 <= len(data):
        seconds, part, size, _ = struct.unpack(order + "IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if link == ETHERNET:
            if frame[12:14] != b"\x08\x00":
                continue
            frame = frame[14:]
        elif link != RAW_IP:
            raise AssertionError(f"{path}: link type {link}")
        if len(frame) < 28 or frame[0] >> 4 != 4 or frame[9] != 17:
            continue
        udp = frame[(frame[0] & 15) * 4:]
        sport, dport, length = struct.unpack("!HHH", udp[:6])
        yield Datagram(seconds + part * fraction, ".".join(map(str, frame[12:16])), sport,
                       ".".join(map(str, frame[16:20])), dport, udp[8:length])


def as_rtp(d):
    """None: not RTP or SRTP (RFC 7983, and RFC 5761 for RTCP)."""
    if len(d.data) < 12 or not 128 <= d.data[0] <= 191 or 192 <= d.data[1] <= 223:
        return None
    if d.sport < 1024 or d.dport < 1024:
        return None
    first, second, seq, _, ssrc = struct.unpack("!BBHII", d.data[:12])
    head = 12 + 4 * (first & 15)
    if first & 16:
        head += 4 + 4 * int.from_bytes(d.data[head + 2:head + 4], "big")
    return Rtp(*d[:5], second & 127, seq, ssrc, d.data[head:], d.data)


def flows(packets):
    """{(src, sport, dst, dport): packets}"""
    found = defaultdict(list)
    for p in packets:
        found[p[1:5]].append(p)
    return dict(found)


def clear_tone(packets, *tones):
    """(tone, share of blocks) of the tone most heard where payloads are taken for G.711 in clear.
    A packet's last 10 bytes would be SRTP's tag; they harm a tone of 160 little."""
    best = (None, 0.0)
    for law in (tone.PCMU, tone.PCMA):
        samples = [law[b] for p in packets for b in p.payload]
        found = [b for b in tone.blocks(samples, 8000) if tone.is_loud(b)]
        for hz in tones:
            good = sum(tone.share(b, 8000, hz) >= tone.PURE for b in found)
            best = max(best, (hz, good / max(1, len(found))), key=lambda x: x[1])
    return best


def clear_flows(packets, *tones):
    """Flows in which one of the tones can be heard by anyone who listens on the wire."""
    told = []
    for (src, sport, dst, dport), sent in flows(packets).items():
        hz, part = clear_tone(sent, *tones)
        if len(sent) >= FLOW_MIN and part >= CLEAR_TONE:
            told.append(f"{src}:{sport} -> {dst}:{dport}: {hz} Hz in {part:.0%} of the blocks")
    return told


def repeats(packets):
    """Where a keystream may have been used twice: one destination, SSRC and packet index with two
    different texts (RFC 3711, section 9.1). The index is counted on over rollovers."""
    last, seen, told = {}, {}, []
    for p in packets:
        stream = p.dst, p.dport, p.ssrc
        index = p.seq
        if stream in last:
            step = (p.seq - last[stream]) % (2 * HALF)
            index = last[stream] + (step if step < HALF else step - 2 * HALF)
        last[stream] = max(index, last.get(stream, index))
        text = seen.setdefault((stream, index), p.data)
        if text != p.data:
            told.append(f"to {p.dst}:{p.dport} SSRC {p.ssrc:08x} index {index}")
    return told


def max_gap_ms(packets, start, end):
    """The longest silence of a flow between two times of the capture's clock."""
    times = [p.time for p in packets if start <= p.time <= end]
    if not times:
        return round((end - start) * 1000)
    edges = [start, *times, end]
    return round(max(b - a for a, b in zip(edges, edges[1:])) * 1000)
