#!/usr/bin/python3
"""Two headless phones call each other with no server between: `sotto phone --listen` and `sotto
call`. Waits on their JSON events, never on time; ports are the kernel's."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import wave

SOTTO = os.environ.get("SOTTO", "build/sotto")
DEADLINE = 60  # seconds until a phone that says nothing is given up
TMP = tempfile.mkdtemp(prefix="phone-", dir=os.environ.get("TMPDIR"))


class Phone:
    """One process; its events as they come."""

    def __init__(self, *args):
        self.process = subprocess.Popen(["timeout", "--foreground", str(DEADLINE), SOTTO, *args,
                                         "--json"],
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.events = []

    def wait_for(self, name):
        """The next event of this name; those before it are kept in self.events."""
        for line in self.process.stdout:
            event = json.loads(line)
            self.events.append(event)
            if event.get("event") == name:
                return event
        raise AssertionError(f"no {name} after {[e.get('event') for e in self.events]}")

    def interrupt(self):
        # timeout(1) passes it on: once, as it is in the foreground; else it tells its whole group
        # as well, and a phone that is told twice to end leaves at once.
        self.process.send_signal(signal.SIGINT)

    def finish(self):
        """What is left of its events, and the exit status."""
        self.events += [json.loads(line) for line in self.process.stdout]
        self.process.stdout.close()
        return self.process.wait()

    def named(self, name):
        return [e for e in self.events if e.get("event") == name]


def answering(transport, *options):
    bob = Phone("phone", "--as", "bob", "--no-register", "--listen", f"{transport}:127.0.0.1:0",
                *options)
    address = bob.wait_for("listening")["address"]
    return bob, address


def caller(transport, address, *options):
    return Phone("call", f"sip:bob@{address};transport={transport}", "--as", "alice",
                 "--server", address, "--transport", transport, "--no-register", "--events",
                 *options)


def call(callee_options=(), caller_options=(), transport="udp"):
    """One whole call: (caller's result, callee's, caller's status)."""
    bob, address = answering(transport, *callee_options)
    alice = caller(transport, address, *caller_options)
    status = alice.finish()
    heard = bob.wait_for("ended")
    bob.interrupt()
    assert bob.finish() == 0, "the phone ends well when told to"
    return alice, bob, status, alice.events[-1], heard


def assert_tone(leg, hz):
    assert leg["audio"]["tone_hz"] is not None, leg
    assert abs(leg["audio"]["tone_hz"] - hz) < 3, leg["audio"]
    assert leg["audio"]["rms_dbfs"] > -20, leg["audio"]


def assert_clean(leg):
    rx = leg["rx"]
    assert rx["packets"] > 20 and rx["lost"] == 0, rx
    assert rx["auth_failures"] == rx["replayed"] == rx["clear_dropped"] == 0, rx


TONES = (("--answer", "--play", "tone:1004"), ("--play", "tone:440", "--seconds", "1"))


def both_tones(callee_options=(), caller_options=(), transport="udp"):
    alice, bob, status, a, b = call(TONES[0] + callee_options, TONES[1] + caller_options, transport)
    assert status == 0 and a["result"] == b["result"] == "answered", (a, b)
    assert_tone(a, 1004)
    assert_tone(b, 440)
    assert_clean(a)
    assert_clean(b)
    return alice, bob, a, b


def test_sdes():
    _, _, a, b = both_tones()
    for leg in (a, b):
        assert leg["media"]["keying"] == "sdes", leg["media"]
        assert leg["media"]["suite"] == "AEAD_AES_128_GCM", leg["media"]
        assert leg["codec"] == "PCMA"
    assert a["role"] == "caller" and b["role"] == "callee"
    assert a["status"] == 200 and a["seconds"] >= 1
    suite = "AES_CM_128_HMAC_SHA1_80"
    _, _, a, b = both_tones(("--suite", suite))
    assert a["media"]["suite"] == b["media"]["suite"] == suite, "all that one of them has"


def test_clear():
    _, _, a, b = both_tones(("--keying", "none"), ("--keying", "none"))
    assert a["media"]["keying"] == b["media"]["keying"] == "none"
    assert a["media"]["suite"] is None


def test_tcp_and_other_suite_and_codec():
    _, _, a, b = both_tones((), ("--suite", "AEAD_AES_256_GCM", "--codec", "PCMU"), "tcp")
    assert a["media"]["suite"] == b["media"]["suite"] == "AEAD_AES_256_GCM"
    assert a["codec"] == b["codec"] == "PCMU"
    assert a["signalling"]["transport"] == "tcp"


def test_fails_closed():
    """Neither end speaks clear to one that insists; both say why."""
    for theirs, ours in (("sdes", "none"), ("none", "sdes")):
        _, _, status, a, b = call(("--answer", "--keying", theirs), ("--keying", ours))
        assert status == 1 and a["result"] == "failed" and a["status"] == 488, a
        assert a["tx"]["packets"] == b["tx"]["packets"] == 0
        assert "encrypt" in a["reason"], a["reason"]


def test_opportunistic():
    _, _, a, _ = both_tones(("--keying", "sdes,none"), ("--keying", "sdes,none"))
    assert a["media"]["keying"] == "sdes"
    _, _, a, _ = both_tones(("--keying", "none"), ("--keying", "sdes,none"))
    assert a["media"]["keying"] == "none"


def test_late_offer():
    both_tones((), ("--offer-late",))


def test_busy_and_decline():
    for option, result, code in (("--busy", "busy", 486), ("--decline", "declined", 603)):
        bob, address = answering("udp", option)
        alice = caller("udp", address)
        assert alice.finish() == 1
        end = alice.events[-1]
        assert end["result"] == result and end["status"] == code, end
        bob.interrupt()
        assert bob.finish() == 0


def test_cancel():
    bob, address = answering("udp")  # rings, and nobody lifts
    alice = caller("udp", address)
    alice.wait_for("ringing")
    alice.interrupt()
    assert alice.finish() == 1
    assert alice.events[-1]["result"] == "failed" and alice.events[-1]["status"] == 487
    assert bob.wait_for("ended")["reason"] == "the caller gave up"
    bob.interrupt()
    assert bob.finish() == 0


def test_one_call_at_a_time():
    bob, address = answering("udp", "--answer")
    alice = caller("udp", address, "--seconds", "60")
    alice.wait_for("answered")
    carol = caller("udp", address)
    assert carol.finish() == 1 and carol.events[-1]["result"] == "busy"
    alice.interrupt()
    assert alice.finish() == 0, "hanging up is a normal end"
    bob.wait_for("ended")
    dave = caller("udp", address, "--seconds", "1")
    assert dave.finish() == 0, "the phone takes another call"
    bob.wait_for("ended")
    bob.interrupt()
    assert bob.finish() == 0


def test_callee_hangs_up():
    bob, address = answering("udp", "--answer")
    alice = caller("udp", address, "--seconds", "60")
    alice.wait_for("answered")
    bob.wait_for("answered")
    bob.interrupt()
    assert bob.finish() == 0
    assert alice.finish() == 0
    assert alice.events[-1]["reason"] == "the other end hung up"


def test_hold_and_resume():
    alice, _, status, a, b = call(TONES[0], ("--play", "tone:440", "--seconds", "4",
                                             "--hold-after", "1"))
    assert status == 0, a
    renewed = [(e["status"], e["receiving"]) for e in alice.named("renewed")]
    assert renewed == [(200, False), (200, True)], renewed
    assert a["rx"]["packets"] < b["rx"]["packets"] - 50, (a["rx"], b["rx"])
    assert_tone(a, 1004)
    assert_clean(a)
    assert_clean(b)
    assert a["rx"]["streams"] == 1, "the key and its counter were kept"


def test_reinvite_from_callee():
    _, bob, _, _ = both_tones(("--reinvite-after", "1"), ("--seconds", "2"))
    assert [e["status"] for e in bob.named("renewed")] == [200], bob.events


def test_sequence_wraps():
    """The rollover counter: authentic on both sides of it (RFC 3711 s.3.3.1)."""
    for suite in ("AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"):
        both_tones(("--rtp-seq", "65520"), ("--rtp-seq", "65535", "--suite", suite))


def test_new_ssrc():
    _, _, _, b = both_tones((), ("--ssrc-change-after", "1", "--seconds", "2"))
    assert b["rx"]["streams"] == 2, b["rx"]


def test_digits():
    _, _, _, a, b = call(("--answer",), ("--dtmf", "159#", "--seconds", "2"))
    assert b["audio"]["digits"] == "159#" and a["audio"]["digits"] is None


def answer_by_hand(sock, offer, rtp):
    """Answers with all that was offered, in clear; to the BYE too."""
    lines, sender = offer
    kept = [line for line in lines if line.split(":")[0] in ("Via", "From", "Call-ID", "CSeq")]
    to = next(line for line in lines if line.startswith("To:")) + ";tag=byhand"
    body = ""
    if "INVITE" in lines[0]:
        body = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                f"m=audio {rtp} RTP/AVP 8 0 9\r\n")
    head = ["SIP/2.0 200 OK", *kept, to, "Contact: <sip:bob@127.0.0.1:%d>" % sock.getsockname()[1],
            "Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    sock.sendto(("\r\n".join(head) + "\r\n\r\n" + body).encode(), sender)


def test_every_codec_that_was_offered():
    """RFC 3264 s.7: a peer that answered with several codecs changes between them in the call."""
    sip, rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    with sip, rtp:
        for s in (sip, rtp):
            s.bind(("127.0.0.1", 0))
            s.settimeout(DEADLINE)
        alice = caller("udp", "127.0.0.1:%d" % sip.getsockname()[1], "--keying", "none", "--codecs",
                       "PCMA,PCMU,G722", "--seconds", "3")
        text, sender = sip.recvfrom(65536)
        lines = text.decode().split("\r\n")
        media = next(line for line in lines if line.startswith("m=audio"))
        port = int(media.split()[1])
        answer_by_hand(sip, (lines, sender), rtp.getsockname()[1])
        rtp.recv(2048)  # it has the answer, and speaks
        for i in range(60):  # PCMA, PCMU, PCMA again: silence of each, 20 ms a packet
            pt, byte = ((8, b"\xd5"), (0, b"\xff"))[i // 20 % 2]
            rtp.recv(2048)
            rtp.sendto(struct.pack(">BBHII", 0x80, pt, 1000 + i, 160 * i, 7) + byte * 160,
                       ("127.0.0.1", port))
        bye = b""
        while not bye.startswith(b"BYE"):
            bye, sender = sip.recvfrom(65536)
        answer_by_hand(sip, (bye.decode().split("\r\n"), sender), 0)
        assert alice.finish() == 0
        end = alice.events[-1]
    assert end["rx"]["packets"] == 60 and end["rx"]["other_codec"] == 20, end["rx"]


def test_echo():
    _, _, _, a, _ = call(("--answer", "--echo"), ("--play", "tone:700", "--seconds", "1"))
    assert_tone(a, 700)


def write_wav(path, samples):
    with wave.open(path, "wb") as w:
        w.setparams((1, 2, 8000, 0, "NONE", ""))
        w.writeframes(struct.pack(f"<{len(samples)}h", *samples))


def test_files():
    """A file is played once, then silence; what was heard is recorded in the call's own time."""
    said, heard = os.path.join(TMP, "said.wav"), os.path.join(TMP, "heard.wav")
    write_wav(said, [8000 if i // 10 % 2 else -8000 for i in range(4000)])  # 400 Hz, 0.5 s
    _, _, status, a, _ = call(("--answer", "--play", said),
                              ("--record", heard, "--seconds", "1"))
    assert status == 0
    with wave.open(heard) as w:
        assert (w.getnchannels(), w.getsampwidth(), w.getframerate()) == (1, 2, 8000)
        samples = struct.unpack(f"<{w.getnframes()}h", w.readframes(w.getnframes()))
    assert len(samples) == a["rx"]["bytes"], (len(samples), a["rx"])
    assert max(samples[:4000]) > 7000 and max(map(abs, samples[4000:])) < 20
    done = subprocess.run([SOTTO, "call", "x", "--as", "a", "--server", "127.0.0.1", "--transport",
                           "udp", "--play", "/dev/null"], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 1 and "/dev/null" in done.stderr, done


def test_usage():
    for args in (["call"], ["call", "x"], ["phone"], ["call", "x", "--as", "y", "--rtp-seq", "70000"],
                 ["phone", "--as", "y", "--no-such"],
                 ["call", "x", "--as", "y", "--server", "127.0.0.1", "--transport", "pigeon"]):
        done = subprocess.run([SOTTO, *args], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.startswith("sotto: "), (args, done)


def test_nobody_there():
    with socket.socket() as closed:  # bound, so that nobody else listens there
        closed.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % closed.getsockname()[1]
        alice = caller("tcp", address)
        assert alice.finish() == 1
    end = alice.events[-1]
    assert end["result"] == "failed" and address in end["reason"], end


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_") and callable(f)]
    wanted = sys.argv[1:]
    failed = 0
    for name, test in tests:
        if wanted and name not in wanted:
            continue
        try:
            test()
            print(f"ok {name}", flush=True)
        except (AssertionError, KeyError, OSError) as e:
            failed += 1
            print(f"FAIL {name}: {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
