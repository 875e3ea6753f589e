"""Peak rates: how many a second pass before something is lost, server and load on a core each."""
import re

from lib.peers import Kamailio, Rtpengine, have_kamailio, have_rtpengine
from lib.rows import NO_PEERS, WHOLE, certificates, in_turns, ways_here
from lib.server import Server, load, program

SIGNALLING = (("challenge", "udp"), ("challenge", "tls"), ("register", "udp"), ("register", "tls"),
              ("call", "udp"), ("call", "tls"))
WORDS = {"challenge": "REGISTER with challenge", "register": "REGISTER, nonce known",
         "call": "INVITE to BYE, all roles, relay made"}
STREAMS = (500, 1000, 1500, 2000, 3000, 4000, 6000)
PEER_STREAMS = 2000  # its phones have no more ports
PASSED = re.compile(r"streams: ([\d.]+) us CPU a packet, (\d+) packets/s \(([\d.]+) %")
FULL = 95  # % of a core: less, and it was the load that could do no more


def told(rate, busy):
    return f"{rate:,.0f} a second, its core {busy:.0f} % busy" + ("" if busy >= FULL else " (the load's limit)")


def add(b, name, got, peer, who):
    """got and peer: (rate, % of the core). A row holds the time between two, as all rows are better the smaller they
    are. The peer counts where it was the limit, and not the load."""
    note, counts = told(*got), peer and peer[1] >= FULL
    if peer:
        note += f"; {who}: {told(*peer)}"
    if counts:
        note += f"; {'at least ' if got[1] < FULL else ''}{got[0] / peer[0]:.1f} times as many"
    b.report.add(f"{name}: between two", 1e6 / got[0], "us", peer=1e6 / peer[0] if counts else None, note=note)


def pair(found, key):
    return (found[key, "rate"], found[key, "busy"]) if (key, "rate") in found else None


def signalling_turn(b, pids, what, transport):
    """As many as come back with 64 in flight: none is sent again, so one lost would end the run."""
    r = load(pids, what, transport, users=2000, count=b.scale(3000 if what == "call" else 20000))
    rate = r["done"] * 1e9 / r["wall_ns"]
    return {((what, transport), "rate"): rate, ((what, transport), "busy"): r["all"] * rate / 1e4}


def signalling(b):
    def turn(pids, keys):
        got = {}
        for key in keys:
            got |= signalling_turn(b, pids, *key)
        return got

    def ours():
        with Server(b.seeded, b.tmp) as s:
            return turn(s.pids(), SIGNALLING)

    def theirs():
        with Kamailio(b.tmp, certificates(b)) as k:
            got = turn(k.pids(), SIGNALLING[:-2])
        if have_rtpengine():
            with Rtpengine(b.tmp) as r, Kamailio(b.tmp, certificates(b), relay=True) as k:
                got |= turn(f"{k.pids()},{r.pids()}", SIGNALLING[-2:])
        return got
    us, peer = in_turns(b, ours, theirs if have_kamailio() else None)
    for key in SIGNALLING:
        what, transport = key
        add(b, f"{WORDS[what]}, {transport}", pair(us, key), pair(peer, key),
            "Kamailio" + (" + rtpengine" if what == "call" else ""))


def climb(kind, steps, run):
    """The best rate of the steps that lose nothing worth naming."""
    best = {}
    for streams in steps:
        us, rate, percent = map(float, PASSED.search(run(streams)).groups())
        if percent < WHOLE:
            break
        if not best or rate > best[kind, "rate"]:
            best = {(kind, "rate"): rate, (kind, "busy"): us * rate / 1e4}
    return best


def relay(b):
    way, options, _ = ways_here()[-1]
    steps = STREAMS[1:4:2] if b.quick else STREAMS
    for kind in ("SRTP-SRTP", "RTP-RTP"):
        def ours():
            return climb(kind, steps, lambda n: program("bench-media-relay", *options, "--kind", kind, n, 2))

        def theirs():
            def run(streams):
                with Rtpengine(b.tmp) as r:
                    r.plan(b.tmp / "plan", streams, kind)
                    return program("bench-media-relay", "--plan", kind, b.tmp / "plan", r.process.pid, 2)
            return climb(kind, [n for n in steps if n <= PEER_STREAMS], run)
        us, peer = in_turns(b, ours, theirs if have_rtpengine() else None)
        if pair(us, kind):
            add(b, f"{kind} packets, {way}", pair(us, kind), pair(peer, kind), "rtpengine")
        else:
            b.report.skip(f"{kind} packets, {way}", f"packets were lost with {steps[0]} streams already")


def row_peak(b):
    b.report.heading("Peak rates without loss, us of wall time between two, server and load on a core each")
    if not have_kamailio() or not have_rtpengine():
        b.report.skip("Kamailio and rtpengine", NO_PEERS)
    signalling(b)
    relay(b)
