#!/usr/bin/python3
"""Calls that strangers want to end, move, or hear. A stranger here knows everything of the call but its
keys: Call-ID, tags, branches, ports."""
import json
import re
import secrets
import socket
import struct
import threading
import time

from lib import run, sip
from lib.run import space, waits
from interop.lib.phone import Phone

STRANGER = "10.99.0.2"
FLOOD_RATE, FLOOD_SECONDS = 5000, 5
TONE = 1004


def two_phones(server, kind):
    caller, callee = sip.Link(server, kind), sip.Link(server, kind)
    assert sip.register(caller, "1000").status == 200
    assert sip.register(callee, "1001").status == 200
    return caller, callee


def legs(server):
    return server.answered()["legs"]


# --- signalling ---

def is_untouched(server, call):
    """The call is still there, and its owner can still end it."""
    assert len(legs(server)) == 2
    assert not [m for link in (call.caller, call.callee) for m in link.waiting if m.method], "a phone was told"


def stranger_in_dialog(server, kind, source):
    caller, callee = two_phones(server, kind)
    call = sip.Call(caller, callee).invite().answer()
    before = json.dumps([leg["remote"] for leg in legs(server)])
    with sip.Link(server, kind, source=source) as stranger:
        evil = sip.sdp(stranger, 45000)
        tries = []
        for method, extra in (("BYE", {}), ("INVITE", {"body": evil, "headers": (sip.SDP_TYPE,)}),
                              ("UPDATE", {"body": evil, "headers": (sip.SDP_TYPE,)}), ("INFO", {}),
                              ("REFER", {"headers": (f"Refer-To: <sip:1001@{sip.DOMAIN}>",)}), ("PRACK", {}),
                              ("INVITE", {})):
            tries.append((method, call.request(stranger, method, cseq=100 + len(tries), **extra)))
            tries.append((method, call.callee_request(stranger, method, cseq=100 + len(tries), **extra)))
        for method, raw in tries:
            stranger.send(raw)
            call_id = sip.Message(raw).get("Call-ID")
            cseq = int(sip.Message(raw).get("CSeq").split()[0])
            answer = stranger.answer_to(call_id, cseq)
            assert answer.status in (401, 403, 405, 407, 481, 501), (method, answer)
            if answer.status == 407:  # another user, with a password of its own
                line = sip.credentials(sip.challenge_of(answer), method, "sip:x", "1002", proxy=True)
                again = re.sub(rb"CSeq: \d+", b"CSeq: %d" % (cseq + 1), raw)
                again = re.sub(rb"branch=\w+", b"branch=" + sip.branch().encode(), again)
                stranger.send(again.replace(b"Content-Length", line.encode() + b"\r\nContent-Length", 1))
                again = stranger.answer_to(call_id, cseq + 1)
                assert again.status in (403, 407), (method, again)
    assert json.dumps([leg["remote"] for leg in legs(server)]) == before, "the call was moved"
    is_untouched(server, call)
    call.hang_up()
    server.wait_no_call()


def strangers_cannot_end_or_move_a_call(server, _):
    server.add_user("1002", transport="udp,tcp,tls")
    for kind in run.ALL:
        for source in (STRANGER, None):  # None: the phones' own address, another port
            stranger_in_dialog(server, kind, source)
    run.check_whole(server)


def strangers_cannot_cancel(server, _):
    for kind in run.ALL:
        caller, callee = two_phones(server, kind)
        call = sip.Call(caller, callee).invite()
        with sip.Link(server, kind, source=STRANGER) as stranger:
            raw = sip.request(stranger, "CANCEL", call.uri, user="1000", call_id=call.call_id,
                              from_tag=call.from_tag, cseq=2, via_branch=call.branch)
            raw = raw.replace(stranger.local.encode(), caller.local.encode(), 1)  # Via as the caller's
            stranger.send(raw)
            assert stranger.answer_to(call.call_id, 2).status == 481
            # ... nor answer for the callee. Over UDP the branch alone is proof: nobody can guess it.
            for status in (486, 603, 487) if kind != "udp" else ():
                sip.reply(stranger, call.incoming, status, "No", to_tag="evil")
            assert sip.options(stranger).status == 200
        call.answer()
        call.hang_up()
        caller.close()
        callee.close()
        waits.until("no call", lambda: not server.calls())
    run.check_whole(server)


def strangers_cannot_answer_a_late_offer(server, _):
    """An ACK brings the answer to an offer in the 2xx, and cannot be asked for a password."""
    for kind in run.ALL:
        caller, callee = two_phones(server, kind)
        call = sip.Call(caller, callee).invite().answer()
        # The caller asks for an offer; the server answers 200 with one, and a stranger sends the ACK.
        caller.send(call.request(caller, "INVITE", cseq=3))
        asked = callee.wait(lambda m: m.method == "INVITE" and m.tag("To"))
        sip.reply(callee, asked, 200, "OK", headers=(sip.SDP_TYPE,), body=sip.sdp(callee, 40002))
        got = caller.answer_to(call.call_id, 3)
        assert got.status == 200, got
        with sip.Link(server, kind, source=STRANGER) as stranger:
            m = re.search(rb"(?m)^a=crypto:(\d+) (\S+)", got.body)
            crypto = f"a=crypto:{m[1].decode()} {m[2].decode()} inline:{sip.key()}"
            evil = sip.sdp(stranger, 45000, crypto)
            stranger.send(call.request(stranger, "ACK", cseq=3, headers=(sip.SDP_TYPE,), body=evil))
            assert sip.options(stranger).status == 200  # it has been dealt with
        assert sip.options(callee).status == 200
        assert not [m for m in callee.waiting if m.method == "ACK"], "the stranger's answer was passed on"
        good = sip.sdp(caller, 40000, crypto)
        caller.send(call.request(caller, "ACK", cseq=3, headers=(sip.SDP_TYPE,), body=good))
        assert callee.wait(lambda m: m.method == "ACK").body
        call.cseq = 3
        call.hang_up()
        server.wait_no_call()
        caller.close()
        callee.close()
    run.check_whole(server)


# --- media ---

def ports_of(server):
    """The media ports of a call that is being heard, as anyone on the wire finds them."""
    sniffer, found = Sniffer(), set()

    def look():
        found.update(p[1] & ~1 for p in sniffer.packets() if p[0] == server.host and 20000 <= p[1] <= 29999)
        return len(found) >= 2
    try:
        waits.until("media from both legs", look)
    finally:
        sniffer.close()
    return sorted([*found, *(p + 1 for p in found)])  # RTP and its RTCP


def rtp(n, size=160, pt=8, ssrc=0x11223344):
    return struct.pack("!BBHII", 0x80, pt, n & 0xffff, n * 160, ssrc) + secrets.token_bytes(size)


def rtcp_bye(ssrc=0x11223344):
    return struct.pack("!BBHII", 0x80, 201, 1, ssrc, 0)[:8] + struct.pack("!BBHI", 0x81, 203, 1, ssrc)


def stun(n):
    return struct.pack("!HHI", 1, 0, 0x2112A442) + struct.pack("!III", n, n, n)


def dtls(n):
    return b"\x16\xfe\xfd\0\0" + struct.pack("!HI", 0, n) + b"\0\x10" + secrets.token_bytes(16)


KINDS = {
    "clear RTP": rtp,
    "random bytes": lambda n: secrets.token_bytes(172),
    "forged SRTP": lambda n: rtp(n, 170),
    "clear RTCP BYE": lambda n: rtcp_bye(),
    "STUN": stun,
    "DTLS": dtls,
    "ZRTP": lambda n: b"\x10\0" + struct.pack("!H", n & 0xffff) + b"ZRTP" + secrets.token_bytes(24),
    "one byte": lambda n: b"\x80",
    "nothing": lambda n: b"",
    "largest": lambda n: b"\x80\x08" + b"x" * 60000 if n % 100 == 0 else b"\x80",
}


def forged(source, destination, data):
    """A whole IPv4 packet, from an address that is not ours. UDP without checksum."""
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(data), 0) + data
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(source[0]),
                       socket.inet_aton(destination[0])) + udp


class Flood(threading.Thread):
    """A stranger at a rate; what it hears back. Where `phones` is given ({server's port: address of the
    phone}), every other packet pretends to come from the phone: the kernel lets no others through to a
    connected socket."""

    def __init__(self, host, ports, make, phones=None, rate=FLOOD_RATE, seconds=FLOOD_SECONDS):
        super().__init__(daemon=True)
        self.host, self.ports, self.make, self.rate, self.seconds = host, ports, make, rate, seconds
        self.phones = phones or {}
        self.sent = 0
        self.heard = []

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s, \
                socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            s.bind((STRANGER, 0))
            s.setblocking(False)
            start = time.monotonic()
            while True:
                now = time.monotonic() - start
                due = int(min(now, self.seconds) * self.rate)
                while self.sent < due:
                    to = (self.host, self.ports[self.sent // 2 % len(self.ports)])
                    data = self.make(self.sent)
                    try:
                        if self.sent % 2 and to[1] in self.phones:
                            raw.sendto(forged(self.phones[to[1]], to, data), to)
                        else:
                            s.sendto(data, to)
                    except OSError:
                        pass
                    self.sent += 1
                try:
                    while True:
                        self.heard.append(s.recv(65536))
                except OSError:
                    pass
                if now >= self.seconds:
                    return
                time.sleep(0.001)  # the rate, not a wait


class Sniffer:
    """Everything on lo: UDP from the server's media ports."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.bind(("lo", 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self.socket.setblocking(False)

    def packets(self):
        """(source, source port, destination, destination port, data) so far."""
        while True:
            try:
                raw, where = self.socket.recvfrom(65536)
            except BlockingIOError:
                return
            if where[2] != socket.PACKET_HOST or raw[9] != 17:
                continue
            at = (raw[0] & 15) * 4
            sport, dport = struct.unpack("!HH", raw[at:at + 4])
            yield socket.inet_ntoa(raw[12:16]), sport, socket.inet_ntoa(raw[16:20]), dport, raw[at + 8:]

    def close(self):
        self.socket.close()


def talk(server, seconds, trouble):
    """A call between two of our phones; trouble(ports, legs) runs while it goes on. Its report."""
    with Phone(server, "1001", "--answer", "--play", "tone:440") as callee:
        callee.wait("registered")
        with Phone(server, "1000", "--play", f"tone:{TONE}", "--seconds", seconds, call="1001") as caller:
            waits.until("packets in both legs", lambda: [
                c for c in server.calls() if c["state"] == "answered" and
                all(leg["rx"]["packets"] > 20 for leg in c["legs"])])
            ports = ports_of(server)
            assert len(ports) >= 4, ports
            before = legs(server)
            trouble(ports)
            after = legs(server)
            status, report = caller.finish()
    return status, report, before, after


def strangers_at_the_media_ports(server, _):
    sniffer = Sniffer()
    kinds = list(KINDS.items())
    each = FLOOD_SECONDS / len(kinds)
    heard = {}

    def trouble(ports):
        phones = {p[3]: (p[0], p[1]) for p in heard_so_far(sniffer, ports)}
        for name, make in kinds:
            flood = Flood(server.host, ports, make, phones, seconds=max(each, 0.5))
            flood.start()
            flood.join()
            heard[name] = flood.heard

    status, report, before, after = talk(server, FLOOD_SECONDS + 3, trouble)
    assert status == 0 and report["result"] == "answered", report
    assert abs(report["audio"]["tone_hz"] - 440) < 5, report["audio"]
    for old, new in zip(before, after):
        assert new["remote"] == old["remote"]
        got = new["rx"]["packets"] - old["rx"]["packets"]
        print(f"  {new['role']}: {got} packets of its own, {new['rx']}")
        assert got > 40 * FLOOD_SECONDS, (old, new)
        assert new["rx"]["auth_failures"] > 100, new
        assert new["rx"]["packets"] < 70 * (FLOOD_SECONDS + 4), "foreign packets were counted as the phone's"
    for name, answers in heard.items():
        assert not [a for a in answers if a[:1] >= b"\x80"], f"media went to the stranger ({name})"
        assert name == "STUN" or not answers, f"{len(answers)} answers to {name}"
    check_wire(sniffer, server)
    run.check_whole(server)


def heard_so_far(sniffer, ports):
    """The phones' SRTP packets to these ports."""
    return waits.until("packets of the phones", lambda: [
        p for p in sniffer.packets() if p[3] in ports and p[1] not in ports and len(p[4]) > 160] or None)


def check_wire(sniffer, server):
    """Nothing leaves in clear: a clear tone repeats its payload, SRTP never does."""
    flows = {}
    for source, sport, destination, dport, data in sniffer.packets():
        if source == server.host and 20000 <= sport <= 29999 and len(data) >= 12 and data[0] >> 6 == 2:
            assert destination != STRANGER, f"a packet of {sport} went to the stranger"
            if data[1] & 0x7f < 64 or data[1] & 0x7f > 95:
                flows.setdefault((sport, dport), []).append(data[12:])
    sniffer.close()
    assert flows, "the sniffer saw nothing"
    for flow, payloads in flows.items():
        assert len(set(payloads)) == len(payloads), f"the same payload twice on {flow}: not encrypted"
        assert all(len(p) > 160 for p in payloads if len(p) >= 160), f"no authentication tag on {flow}"
        spread = len(set(b"".join(payloads[:50])))
        assert spread > 250 or len(payloads) < 20, f"{flow}: only {spread} values of bytes: speech in clear"


def replayed_packets(server, _):
    """What a phone has sent is caught and sent again, from its own address as from another one."""
    sniffer = Sniffer()

    def trouble(ports):
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
            for packet in heard_so_far(sniffer, ports) * 20:
                to = (server.host, packet[3])
                raw.sendto(forged(packet[:2], to, packet[4]), to)
                raw.sendto(forged((STRANGER, 4444), to, packet[4]), to)
        waits.until("replayed packets in the counters", lambda: sum(
            leg["rx"]["replayed"] for leg in legs(server)) > 100)

    status, report, before, after = talk(server, 3, trouble)
    assert status == 0 and report["result"] == "answered", report
    assert abs(report["audio"]["tone_hz"] - 440) < 5, report["audio"]
    print("  replayed", [leg["rx"]["replayed"] for leg in after])
    assert sum(leg["rx"]["replayed"] for leg in after) > 100, after
    assert [leg["remote"] for leg in before] == [leg["remote"] for leg in after]
    check_wire(sniffer, server)
    run.check_whole(server)


if __name__ == "__main__":
    run.main([strangers_cannot_end_or_move_a_call, strangers_cannot_cancel, strangers_cannot_answer_a_late_offer,
              strangers_at_the_media_ports, replayed_packets])
