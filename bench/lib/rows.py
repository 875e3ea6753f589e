"""The rows. Targets as they were set; `quoted` is what the peer took on the machine of that day."""
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from lib.peers import KINDS, Kamailio, Rtpengine, have_kamailio, have_rtpengine
from lib.server import Held, Server, load, median, program, program_rows, seed

TRANSACTIONS_GONE = 34  # seconds: 64 * T1 and a little (RFC 3261 s.17)
NO_PEERS = "not installed (tools/install-deps --bench): targets are not scaled to this machine"


def cycles(ns):
    """Of the time stamp counter, whose frequency the kernel tells in this way; a core may run faster."""
    mhz = re.search(r"(?m)^cpu MHz\s*: ([\d.]+)$", Path("/proc/cpuinfo").read_text())
    return f"{ns * float(mhz[1]) / 1000:.0f} cycles at {float(mhz[1]) / 1000:.1f} GHz" if mhz else ""


def row_parse(b):
    b.report.heading("Messages, ns of CPU each")
    sip = program_rows("bench-sip-msg", r"(?m)^(.+?) +\d+ bytes +([\d.]+) ns", b.runs)
    sdp = program_rows("bench-sdp-sdp", r"(?m)^(.+?)  +([\d.]+) ns", b.runs)
    rows = [(sip, "parse INVITE", 1200, 1823, 600), (sip, "parse INVITE, then its typed headers", None, None, None),
            (sip, "parse REGISTER", 1000, 2031, 500), (sip, "head of a reply to it", None, None, None),
            (sip, "frame INVITE on a stream", None, None, None), (sdp, "sdp: parse 439 bytes", 1200, 2066, 600),
            (sdp, "sdp: print towards the other leg", None, None, None)]
    for found, name, target, quoted, speed in rows:
        if name in found:
            b.report.add(name, found[name], "ns", target, quoted, note=cycles(found[name]), speed=speed)
        else:
            b.report.skip(name, "its bench did not print it")


def srtp_targets(engine, suite, sessions, size, burst):
    """Both targets; 2,000 sessions may take 30 and 15 % more."""
    targets = {("AES_CM_128_HMAC_SHA1_80", 1): (300, 200), ("AES_CM_128_HMAC_SHA1_80", 32): (130, 100),
               ("AEAD_AES_128_GCM", 1): (150, 80), ("AEAD_AES_128_GCM", 32): (150, 80)}
    if size != 160 or engine != "ipsec-mb" or (suite, burst) not in targets:
        return None, None
    target, speed = targets[suite, burst]
    return (target, speed) if sessions == 1 else (target * 1.3, speed * 1.15)


def srtp_tables(b, found):
    """By payload, as the paper of 2011 had it; its Mbit/s are of the payload, encrypted and authenticated."""
    sizes = sorted({size for *_, size, _, _ in found})
    lines = {}
    for engine, suite, sessions, size, protect, unprotect in found:
        for way, values in (("protect", protect), ("unprotect", unprotect)):
            for burst, value in zip((1, 8, 32), values):
                if burst == 32 or engine == "ipsec-mb":
                    lines.setdefault((engine, suite, sessions, way, burst), {})[size] = value
    if len(sizes) < 2:
        return
    b.report.table("SRTP by payload in bytes, ns a packet", [str(n) for n in sizes],
                   [[f"{engine} {suite}, {way}, burst {burst}, {sessions} session(s)", *(by[n] for n in sizes)]
                    for (engine, suite, sessions, way, burst), by in lines.items()])
    b.report.table("SRTP by payload in bytes, Mbit/s of payload on a core (protect, burst 32, one session)",
                   [str(n) for n in sizes],
                   [[f"{engine} {suite}", *(n * 8000 / by[n] for n in sizes)]
                    for (engine, suite, sessions, way, burst), by in lines.items()
                    if (sessions, way, burst) == (1, "protect", 32)])


def row_srtp(b):
    b.report.heading("SRTP, ns per packet (protect; one session or 2,000); peer: Debian's libsrtp2")
    text = program("bench-crypto-srtp", *(["quick"] if b.quick else []))
    line = r"(?m)^(\S+) +(A\S+) +(\d+) +(\d+) \| +(\d+) +(\d+) +(\d+) \| +(\d+) +(\d+) +(\d+)"
    found = [(m.group(1), m.group(2), int(m.group(3)), int(m.group(4)), *[[float(m.group(i + j)) for i in range(3)]
                                                                          for j in (5, 8)])
             for m in re.finditer(line, text)]
    peers = {(suite, size): protect[2] for engine, suite, sessions, size, protect, _ in found
             if engine == "libsrtp2" and sessions == 1}
    quoted = {"AES_CM_128_HMAC_SHA1_80": 2044}  # that library, one session, 160 bytes; GCM was not quoted
    for engine, suite, sessions, size, protect, _ in found:
        for burst, value in zip((1, 8, 32), protect):
            if size != 160 or (engine != "ipsec-mb" and burst != 32):
                continue  # in the table below; what knows no bursts
            target, speed = srtp_targets(engine, suite, sessions, size, burst)
            b.report.add(f"{engine} {suite} {size} bytes, burst {burst}, {sessions} session(s)", value, "ns",
                         target, quoted.get(suite) if target else None,
                         peers.get((suite, size)) if engine != "libsrtp2" and sessions == 1 or target else None,
                         "the primitives alone: ipsec-mb, one key" if engine == "bare" else "", speed)
    srtp_tables(b, found)


# What stands in the way where a target is missed, as profiles show it; docs/PERFORMANCE.md has more of each.
UDP = ("the kernel's UDP is a third, cache misses on the way to user, binding, nonce and remembered answer another, "
       "rows for the store a twelfth")
STREAM = "a read and a write for each message: the kernel's TCP is 40 %, and each way into the kernel is dear on a virtual machine"
CALL = ("half is the kernel's: datagrams, messages between the roles, log and CDR; the rest is spread over parsing, "
        "printing, the call's memory and its snapshot")
SHARED = ("the kernel's sending is two thirds (on loopback the receiver's half is ours to pay), its receiving a sixth, "
          "all of user space 15 %")
STREAMS = "a system call for each packet in and out: four fifths"
HANDSHAKE = "OpenSSL's arithmetic"

# --- beside Kamailio and rtpengine, in turns ----------------------------------------------------

def in_turns(b, ours, theirs):
    """A B A B: medians of what the turns of both give, {key: value}; theirs is None without a peer."""
    seen = ({}, {})
    for _ in range(b.runs):
        for turn, into in ((ours, seen[0]), (theirs, seen[1])):
            for key, value in (turn() if turn else {}).items():
                into.setdefault(key, []).append(value)
    return [{k: median(v) for k, v in into.items()} for into in seen]


def certificates(b):
    """For the peer: those that sotto has made for itself."""
    folder = b.tmp / "certificates"
    if not folder.exists():
        with Server(b.seeded, b.tmp) as s:
            shutil.copytree(s.data / "tls", folder)
    return folder


REGISTERS = [(what, transport) for transport in ("udp", "tcp", "tls") for what in ("challenge", "register")]
OURS = REGISTERS + [("challenge", "wss"), ("register", "wss")]  # the peer is not asked for these
# Target, what the peer was quoted with, speed target.
REGISTER_TARGETS = {"challenge": {"udp": (14, 13.8, 8), "tcp": (27, 26.1, 14), "tls": (36, 35.6, 22)},
                    "register": {"udp": (9, 8.2, 5), "tcp": (None, 12.3, None), "tls": (21, 20.6, 12),
                                 "wss": (None, None, 13)}}


def register_turn(b, pids, users, keys):
    return {key: load(pids, *key, users=users, count=b.scale(20000))["all"] for key in keys}


def row_register(b):
    b.report.heading("REGISTER, us of CPU, 64 in flight; bindings stored; peer: Kamailio, bindings in memory")
    if not have_kamailio():
        b.report.skip("Kamailio", NO_PEERS)
    cached = {}
    for users in [2000] if b.quick else [2000, 10000]:
        def ours():
            with Server(b.seeded, b.tmp) as s:
                return register_turn(b, s.pids(), users, OURS)

        def theirs():
            with Kamailio(b.tmp, certificates(b)) as k:
                return register_turn(b, k.pids(), users, REGISTERS)
        us, peer = in_turns(b, ours, theirs if have_kamailio() else None)
        for key in OURS:
            what, transport = key
            target, quoted, speed = REGISTER_TARGETS[what].get(transport, (None, None, None))
            if what == "challenge" and transport == "tls" and users == 10000:
                quoted = 41.2
            word = "with challenge" if what == "challenge" else "nonce known"
            b.report.add(f"REGISTER {word}, {transport}, {users} users", us[key], "us", target, quoted,
                         peer.get(key), speed=speed, obstacle=UDP if transport == "udp" else STREAM,
                         scale=peer["register", "tls"] / 20.6 if key == ("register", "wss") and peer else None)
            if users == 2000:
                cached[key] = us[key]
    b.report.add("nonce known: TLS against UDP", cached["register", "tls"] / cached["register", "udp"], "x", 2.5,
                 2.5, speed=2.4, obstacle="UDP takes and sends 40 datagrams a system call, TLS one message")


def against(b, name, ours, theirs):
    """What the first takes of the second, here and at the peer; the paper of 2011 saw 1.13 to 1.58."""
    us, peer = (pair[0] / pair[1] if all(pair) else None for pair in (ours, theirs))
    if us:
        b.report.add(name, us, "x", peer=peer)


def row_call(b):
    b.report.heading("INVITE to BYE, us of CPU, 64 in flight, SDES on both legs")
    have, relay = have_kamailio(), have_kamailio() and have_rtpengine()
    if not relay:
        b.report.skip("Kamailio and rtpengine", NO_PEERS)

    def ours():
        got = {}
        with Server(b.seeded, b.tmp) as s:
            for transport in ("udp", "tls"):
                r = load(s.pids(), "call", transport, users=2000, count=b.scale(3000))
                got["signal", transport], got["all", transport] = r["us"][s.roles["signal"]], r["all"]
        return got

    def theirs():
        got = {}
        with Kamailio(b.tmp, certificates(b)) as k:
            for transport in ("udp", "tls"):
                got["signal", transport] = load(k.pids(), "call", transport, users=2000, count=b.scale(3000))["all"]
        if relay:
            with Rtpengine(b.tmp) as r, Kamailio(b.tmp, certificates(b), relay=True) as k:
                for transport in ("udp", "tls"):
                    got["all", transport] = load(f"{k.pids()},{r.pids()}", "call", transport, users=2000,
                                                 count=b.scale(3000))["all"]
        return got
    us, peer = in_turns(b, ours, theirs if have else None)
    for transport, target, quoted, speed, whole in (("udp", 120, 85, 50, (250, 110)),
                                                    ("tls", 200, 146, 90, (None, None))):
        b.report.add(f"signal role alone, {transport}", us["signal", transport], "us", target, quoted,
                     peer.get(("signal", transport)), "peer: Kamailio, a proxy", speed, obstacle=CALL)
        b.report.add(f"all roles, relay made, {transport}", us["all", transport], "us", whole[0], 350,
                     peer.get(("all", transport)), "peer: Kamailio + rtpengine", whole[1])
    against(b, "a call, all roles: TLS against UDP", [us["all", t] for t in ("tls", "udp")],
            [peer.get(("all", t)) for t in ("tls", "udp")])
    with Server(b.seeded, b.tmp) as s:
        bursts = [load(s.pids(), "call", "udp", users=2000, count=b.scale(1000))["all"] for _ in range(10)]
    b.report.add("a call after ten bursts, against the first", bursts[-1] / bursts[0], "x", 1.2, 10, speed=1.05)


RELAYED = re.compile(r"(?m)^(\S+(?: passed)?) \d+ streams: ([\d.]+) us.*?\(([\d.]+) %")


LAG = r"comes later by ([\d.]+) us \(p50\), ([\d.]+) us \(p99\), ([\d.]+) us \(p99.9\)"
PERCENTILES = ("p50", "p99", "p99.9")


def read_lag(kind, text):
    """{percentile: us} of that kind of call in what the program printed."""
    found = re.search(rf"{kind} .*\n +{LAG}", text)
    return dict(zip(PERCENTILES, map(float, found.groups())))


WHOLE = 99  # % of the packets: a peer that loses more has more to do than it can, and is no measure

# What the media role's ways in and out are called here, and how the program is told; targets by kind.
WAYS = (("a socket for each port", (), {"SRTP-SRTP": (4.5, 3.4), "RTP-RTP": (3.9, 3.1)}),
        ("one for all ports", ("--shared",), {"SRTP-SRTP": (4.5, 2.7), "RTP-RTP": (3.9, 2.2)}))


# Phones at the other end of a veth pair; the second row of each is without what their end takes.
CABLED_KINDS = ("SRTP-SRTP", "RTP-RTP")
CABLED = (("one for all ports, veth", "--cable"), ("AF_XDP, veth", "--xdp"))


def can(option):
    """Steering takes rights that not every machine gives."""
    try:
        program("bench-media-relay", option, 40, 1)
    except RuntimeError:
        return False
    return True


def ways_here():
    return WAYS if can("--shared") else WAYS[:1]


def cabled_rows(b, streams, seconds):
    def ours():
        got = {}
        for way, option in CABLED:
            for kind in CABLED_KINDS:
                text = program("bench-media-relay", option, "--kind", kind, streams, seconds)
                got[way, kind], got[way, kind, "%"] = map(float, RELAYED.search(text).groups()[1:])
                for us in re.findall(r"alone: ([\d.]+) us", text):
                    got[way, kind, "alone"] = float(us)
        return got
    us, _ = in_turns(b, ours, None)
    for way, _ in CABLED:
        for kind in CABLED_KINDS:
            b.report.add(f"{kind}, {streams} streams, {way}", us[way, kind], "us",
                         note=f"{us[way, kind, '%']:.0f} % of the packets came through")
            if (way, kind, "alone") in us:
                b.report.add(f"{kind}, {streams} streams, {way}, phones' end dropping",
                             us[way, kind, "alone"], "us", note="the role's end alone, as with a network card")


def row_relay(b):
    b.report.heading("Relay, us of CPU per packet of 172 bytes, 50 a second per stream; peer: rtpengine")
    have, seconds, ways = have_rtpengine(), 2, ways_here()
    if not have:
        b.report.skip("rtpengine", NO_PEERS)
    if len(ways) < len(WAYS):
        b.report.skip("one for all ports", "takes root, or CAP_BPF, CAP_NET_ADMIN and CAP_NET_RAW")
    cabled = can("--xdp")
    if not cabled:
        b.report.skip("AF_XDP", "takes those rights, `ip`, and Linux 6.4 with AF_XDP")
    quoted = {"SRTP-SRTP": {200: 9.1, 1000: 9.2, 2000: 9.0}, "RTP-RTP": {200: 6.4, 1000: 5.7, 2000: 5.7},
              "SRTP passed": {1000: 5.0}}
    scales = {}
    for streams in (200, 1000) if b.quick else (200, 500, 1000, 2000):
        share = {}

        def read(text, whose):
            got = {}
            for kind, us, percent in RELAYED.findall(text):
                got[whose, kind] = float(us)
                share.setdefault((whose, kind), []).append(float(percent))
            return got

        def ours():
            got = {}
            for way, options, _ in ways:
                got |= read(program("bench-media-relay", *options, streams, seconds), way)
            return got

        def theirs():
            got = {}
            for kind in KINDS:
                with Rtpengine(b.tmp) as r:
                    r.plan(b.tmp / "plan", streams, kind)
                    text = program("bench-media-relay", "--plan", kind, b.tmp / "plan", r.process.pid, seconds)
                got |= read(text, "peer")
            return got
        us, peer = in_turns(b, ours, theirs if have else None)
        for way, _, targets in ways:
            for kind in KINDS:
                target, speed = targets.get(kind, (None, None))
                shares = [median(share[whose, kind]) for whose in (way, "peer") if (whose, kind) in share]
                theirs_us, set_by = peer.get(("peer", kind)), quoted.get(kind, {}).get(streams)
                note = f"{', '.join(f'{s:.0f}' for s in shares)} % of the packets came through"
                if have and shares[-1] < WHOLE and kind in scales:
                    note += "; target scaled by the row before: the peer lost packets"
                elif theirs_us and set_by:
                    scales[kind] = theirs_us / set_by
                b.report.add(f"{kind}, {streams} streams, {way}", us[way, kind], "us", target, set_by, theirs_us,
                             note, speed, scales.get(kind), STREAMS if way == WAYS[0][0] else SHARED)
            against(b, f"SRTP against RTP, {streams} streams, {way}", [us.get((way, k)) for k in CABLED_KINDS],
                    [peer.get(("peer", k)) for k in CABLED_KINDS])
        if cabled and (streams == 1000 or not b.quick):
            cabled_rows(b, streams, seconds)
    relay_workers(b, ways[-1])


PEAK = re.compile(r"(\S+) peak: (\d+) packets/s, workers busy (\d+) %")


def relay_workers(b, way):
    """Two media workers against one, as many streams for each: what a packet costs, and how many pass where there
    are cores for it."""
    name, options, _ = way
    streams, seconds, cores = 500 if b.quick else 1000, 2, os.cpu_count() or 1
    kinds = ("SRTP-SRTP", "RTP-RTP")
    peak = ("--peak",) if cores >= 4 else ()

    def with_workers(n):
        got = {}
        for kind in kinds:
            text = program("bench-media-relay", *options, "--workers", n, *peak, "--kind", kind, n * streams, seconds)
            got |= {("cpu", kind): float(us) for _, us, _ in RELAYED.findall(text)}
            for _, rate, busy in PEAK.findall(text):
                got |= {("peak", kind): 1e6 / float(rate), ("busy", kind): float(busy)}
        return got
    two, one = in_turns(b, lambda: with_workers(2), lambda: with_workers(1))
    for kind in kinds:
        note = "peer: one worker"
        if not peak:
            note += f", both on one of {cores} cores: the load needs cores of its own to show how many packets pass"
        b.report.add(f"{kind}, {streams} streams for each of two workers, {name}", two["cpu", kind], "us", peer=one["cpu", kind],
                     note=note)
    for kind in kinds if peak else ():
        times = one["peak", kind] / two["peak", kind]
        b.report.add(f"{kind}, time between two packets at most, two workers", two["peak", kind], "us",
                     peer=one["peak", kind], note=f"peer: one worker; {times:.2f} times as many (1.8 wanted), workers "
                     f"busy {two['busy', kind]:.0f} and {one['busy', kind]:.0f} %")


# --- sotto alone --------------------------------------------------------------------------------

def row_memory(b):
    b.report.heading("Memory of all roles (PSS; user space)")
    with Server(b.seeded, b.tmp) as s:
        load(s.pids(), "register", "tls", users=200, count=200)  # libraries and pools are there by then
        before = s.memory()
        with Held("tls", users=2000):
            b.report.add("a registered TLS connection, idle", (s.memory() - before) / 2000 / 1024, "KiB", 24, 39,
                         note="of 2,000", speed=18)
    with Server(b.seeded, b.tmp) as s:
        load(s.pids(), "register", "wss", users=200, count=200)
        before = s.memory()
        with Held("wss", users=2000):
            b.report.add("a registered WebSocket over TLS, idle", (s.memory() - before) / 2000 / 1024, "KiB",
                         note="of 2,000", speed=22)
    with Server(b.seeded, b.tmp) as s:
        load(s.pids(), "register", "tcp", users=200, count=200, shared=True)
        before, n = s.memory(), 10000
        with Held("tcp", users=n, shared=True):
            b.report.add("a binding without connection", (s.memory() - before) / n, "bytes", 1000, 1100,
                         note=f"of {n:,}; cached user included", speed=500,
                         obstacle="the contact's texts and addresses; the user and the nonce beside it")
    with Server(b.seeded, b.tmp) as s:
        load(s.pids(), "call", "tls", users=200, count=300)
        calls = 500 if b.quick else 1000
        with Held("tls", users=4 * calls, calls=calls) as h:
            before = s.memory()
            h.more_calls()
            b.report.add("a call in its first 32 s, with its transactions", (s.memory() - before) / calls / 1024,
                         "KiB", note=f"of {calls} over TLS, both legs")
            if b.quick:
                b.report.skip("a call later", "in full mode only")
            else:
                time.sleep(TRANSACTIONS_GONE)
                before = s.memory()
                h.more_calls()
                b.report.add("a call, both legs, SDES, relay ready", (s.memory() - before) / calls / 1024, "KiB",
                             24, 49, note=f"{calls} more, after the first ones' transactions have ended", speed=8,
                             obstacle="two legs with their dialogs' texts 1.8, the snapshot with the descriptions "
                             "1.5, the media role's slots and index tables 1.9, cipher contexts and endpoints 2.6")
    text = program("bench-media-relay", 1000, 1)
    kb = float(re.search(r"SRTP-SRTP.*, ([\d.]+) kB a call", text).group(1))
    b.report.add("a relayed call in the media role alone, with media", kb, "KiB", None, 49)


def row_tls(b):
    b.report.heading("TLS connections")
    text = program("bench-transport-tls")

    def fresh(server):
        return {v: load(server.pids(), "fresh", "tls", users=200, count=b.scale(1500), tls=v)["all"]
                for v in (12, 13)}

    def ours():
        with Server(b.seeded, b.tmp) as s:
            return fresh(s)

    def theirs():
        with Kamailio(b.tmp, certificates(b)) as k:
            return fresh(k)
    us, peer = in_turns(b, ours, theirs if have_kamailio() else None)
    for version, quoted, target, speed, alone in ((12, 291, 240, 220, 220), (13, 346, 300, 275, 296)):
        name = f"TLS 1.{version - 10}"
        b.report.add(f"new connection and REGISTER, {name}", us[version], "us", None, quoted, peer.get(version),
                     "peer: Kamailio")
        in_memory = float(re.search(rf"P-256 +{re.escape(name)} full +([\d.]+) us", text).group(1))
        b.report.add(f"full handshake in memory, ECDSA, {name}", in_memory, "us", target, alone, None,
                     "scaled by the row above", speed, peer[version] / quoted if peer else None, HANDSHAKE)
    for n, rate, target, quoted, speed in ((5000, 167, 1.6, 1.6, 0.9), (10000, 333, None, None, None)):
        held = 2000 if b.quick else n
        with Server(b.seeded, b.tmp) as s:
            r = load(s.pids(), "ping", "tls", users=held, count=rate * (3 if b.quick else 8), rate=rate)
        b.report.add(f"{n:,} idle connections, ping every 30 s", r["all"] * rate / 1e4, "% of core", target, quoted,
                     speed=speed, note=f"{rate} pings a second over {held:,} connections")


def row_dtls(b):
    b.report.heading("DTLS-SRTP handshakes, ECDSA P-256 on both sides, in memory")
    text = program("bench-keying-dtls")
    m = re.search(r"server (\d+) +client (\d+) us; a ClientHello without cookie (\d+) ns", text)
    b.report.add("as server, cookie and keys included", float(m[1]), "us", None, None)
    b.report.add("as client", float(m[2]), "us", None, None)
    b.report.add("a ClientHello of a flood, answered", float(m[3]), "ns", None, None,
                 note="it leaves no memory behind")
    kib = int(re.search(r"memory of both: (\d+) bytes", text)[1]) / 2048
    b.report.add("memory of one side while it lasts", kib, "KiB", None, None)


def row_zrtp(b):
    b.report.heading("Keys by ZRTP, ms of CPU a side, Hello to Conf2ACK in memory")
    for name, ms in program_rows("bench-keying-zrtp-zrtp", r"(?m)^(\S+):.* ([\d.]+) ms a side", b.runs).items():
        b.report.add(name, ms, "ms", note="ten packets of both sides, four round trips")


def row_restore(b):
    b.report.heading("Restart")
    if b.quick:
        b.report.skip("100,000 bindings restored", "in full mode only")
        return
    n = 100000
    full, times = b.tmp / "many", []
    seed(full, 100, n)
    for _ in range(3):
        with Server(full, b.tmp) as s:
            times.append(s.ready_after)
    with Server(b.seeded, b.tmp) as s:
        alone = s.ready_after
    b.report.add(f"{n:,} bindings restored: start to ready", median(times), "s", 5, speed=1,
                 note=f"wall time; {alone:.2f} s without bindings")


def row_transcode(b):
    b.report.heading("Converted calls, us of CPU for a second of call, both directions, without the relay")
    found = program_rows("bench-codec-bridge", r"(?m)^(\S+ call): (\d+) us", b.runs)
    for name, us in found.items():
        b.report.add(name, us, "us", None, None)


def lag_rows(b, what, us, peer, note):
    for p in PERCENTILES:
        b.report.add(f"{what}, {p}", us[p], "us", None, None, peer.get(p), note)


def row_latency(b):
    b.report.heading("What is added to a message or packet, us of wall time, server and load on a core each")
    rate = 300

    def invites(server, transport):
        got = load(server.pids(), "call", transport, users=1000, count=rate * (2 if b.quick else 8), rate=rate)
        return got["lag_us"]
    for transport in ("udp", "tls"):
        def ours():
            with Server(b.seeded, b.tmp) as s:
                return invites(s, transport)

        def theirs():
            with Kamailio(b.tmp, certificates(b)) as k:
                return invites(k, transport)
        us, peer = in_turns(b, ours, theirs if have_kamailio() else None)
        lag_rows(b, f"INVITE over {transport}, from phone to phone", us, peer,
                 f"{rate} calls a second; ours asks for credentials and makes a relay; peer: Kamailio, a proxy")
    streams, way = 500, ways_here()[-1]
    for kind in ("SRTP-SRTP", "RTP-RTP"):
        def ours():
            return read_lag(kind, program("bench-media-relay", *way[1], "--lag", "--kind", kind, streams, 2))

        def theirs():
            with Rtpengine(b.tmp) as r:
                r.plan(b.tmp / "plan", streams, kind)
                return read_lag(kind, program("bench-media-relay", "--lag", "--plan", kind, b.tmp / "plan",
                                              r.process.pid, 2))
        us, peer = in_turns(b, ours, theirs if have_rtpengine() else None)
        lag_rows(b, f"{kind}, from phone to phone", us, peer, f"{streams} streams, {way[0]}; peer: rtpengine")


PEER_USERS = 10000  # as many are in its table


def row_growth(b):
    b.report.heading("Growth, us of CPU each; peer: Kamailio")
    have = have_kamailio()
    for users in [1000] if b.quick else [1000, 10000, 100000]:
        seeded = b.tmp / f"of-{users}"
        seed(seeded, users)

        def ours():
            with Server(seeded, b.tmp) as s:
                return register_turn(b, s.pids(), users, REGISTERS[:2])

        def theirs():
            with Kamailio(b.tmp, certificates(b)) as k:
                return register_turn(b, k.pids(), users, REGISTERS[:2])
        us, peer = in_turns(b, ours, theirs if have and users <= PEER_USERS else None)
        for key, word in zip(REGISTERS, ("with challenge", "nonce known")):
            b.report.add(f"REGISTER {word}, udp, {users:,} users", us[key], "us", None, None, peer.get(key))
        shutil.rmtree(seeded)
    for calls in [100] if b.quick else [100, 1000, 5000]:
        def standing():
            with Server(b.seeded, b.tmp) as s, Held("tcp", users=2000, calls=calls, shared=True) as h:
                h.more_calls()
                r = load(s.pids(), "call", "udp", users=2000, first=4000, count=b.scale(3000))
            return {"all": r["all"], "signal": r["us"][s.roles["signal"]]}
        us, _ = in_turns(b, standing, None)
        for key, word in (("all", "all roles"), ("signal", "signal alone")):
            b.report.add(f"INVITE to BYE, {word}, {calls:,} other calls up", us[key], "us")


ROWS = {"parse": row_parse, "srtp": row_srtp, "register": row_register, "call": row_call, "relay": row_relay,
        "transcode": row_transcode,
        "memory": row_memory, "tls": row_tls, "dtls": row_dtls, "zrtp": row_zrtp, "restore": row_restore, "latency": row_latency, "growth": row_growth}
ERRORS = (RuntimeError, subprocess.TimeoutExpired, AttributeError, OSError)
