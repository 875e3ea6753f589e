#!/usr/bin/python3
"""No lost call while it rings: kill -9 of the signal role between INVITE and answer, over TLS and UDP.

The phones notice nothing: the callee answers, is busy or is cancelled as if the process had never died,
tones go both ways, and nothing that the server sends is protected twice under one (key, SSRC, index)."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

BACK_WITHIN_S = 0.5
PAUSED_S = 1  # a role that dies often has to wait so long
CALLER_HZ, CALLEE_HZ = 440, 1000
RING_S, TALK_S = 3, 2
WAY = {"tls": {"transport": "tls", "port": 5061}, "udp": {"transport": "udp", "port": 5060}}
cases = Cases(__file__, opener({name: {"transport": "tls,udp"} for name in ("1000", "1001")},
                               listen=("tls", "udp"),
                               settings="ring_timeout = 8s\n"))


def ringing(on):
    """The one call, once its callee's phone has said that it rings."""
    return waits.until("a call that rings",
                       lambda: [c for c in on.server.calls() if c["state"] == "ringing"])[0]


def kill(on, times=1, within=BACK_WITHIN_S + PAUSED_S):
    for _ in range(times):
        took = on.server.kill_role("signal")
        print(f"    signal killed: ready again after {took * 1000:.0f} ms")
        assert took <= within, took


def heard(end, hz):
    print(f"    {end['role']} heard {end['audio']['tone_hz']} Hz, {end['rx']['lost']} packets lost")
    assert abs(end["audio"]["tone_hz"] - hz) < 5, end
    assert end["rx"]["auth_failures"] == 0 and end["rx"]["replayed"] == 0, end


def answered(on, way, kills=1, callees=1):
    """Rings on each callee's phone; the last one answers after RING_S."""
    quiet = [on.phone("1001", **WAY[way]) for _ in range(callees - 1)]
    for phone in quiet:
        phone.start().wait("registered")
    try:
        with on.capture(f"ringing-{way}-{kills}-{callees}") as wire, \
                on.phone("1001", "--ring", RING_S, "--answer", "--play", f"tone:{CALLEE_HZ}",
                         **WAY[way]) as b:
            b.wait("registered")
            with on.phone("1000", "--play", f"tone:{CALLER_HZ}", "--seconds", TALK_S, call="1001",
                          **WAY[way]) as a:
                before = ringing(on)
                kill(on, kills, BACK_WITHIN_S)
                assert ringing(on)["id"] == before["id"]
                b.wait("answered")
                status, said = a.finish()
                end = b.wait("ended")
            on.server.wait_no_call()
            b.stop()
    finally:
        ends = [phone.stop()[1] for phone in quiet]
    assert status == 0 and said["result"] == "answered", said
    heard(said, CALLEE_HZ)
    heard(end, CALLER_HZ)
    for other in ends:
        print(f"    the other phone: {other.get('result')}")
        assert other["event"] == "ended" and other["result"] != "answered", other
    repeated = capture.repeats(wire.rtp())
    assert not repeated, repeated[:5]


@cases.case("signal is killed while it rings; then the callee answers", peer="sotto phone",
            keying="sdes: kill -9 of signal while it rings", transport="tls")
def answer_tls(on):
    answered(on, "tls")


@cases.case("the same over UDP", peer="sotto phone",
            keying="sdes: kill -9 of signal while it rings", transport="udp")
def answer_udp(on):
    answered(on, "udp")


@cases.case("signal is killed twice while two phones ring; one answers, the other stops ringing")
def two_phones(on):
    answered(on, "tls", kills=2, callees=2)


@cases.case("two phones ring over UDP")
def two_phones_udp(on):
    answered(on, "udp", callees=2)


def given_up(on, way):
    with on.phone("1001", **WAY[way]) as b:
        b.wait("registered")
        with on.phone("1000", call="1001", **WAY[way]) as a:
            ringing(on)
            kill(on)
            a.stop()
        end = b.wait("ended")
        assert end["status"] == 487, end
        on.server.wait_no_call()
        b.stop()
    cdr = on.server.cdrs()[-1]
    assert cdr["status"] == 487 and "gave up" in cdr["reason"], cdr


@cases.case("signal is killed while it rings; then the caller gives up")
def cancel_tls(on):
    given_up(on, "tls")


@cases.case("the same over UDP")
def cancel_udp(on):
    given_up(on, "udp")


def refused(on, way):
    with on.phone("1001", **WAY[way]) as b:
        b.wait("registered")
        with on.phone("1000", call="1001", **WAY[way]) as a:
            ringing(on)
            kill(on)
            b.stop()
            status, said = a.finish()
    print(f"    the caller heard {said['status']} {said['reason']}")
    assert status != 0 and 400 <= said["status"] < 700 and said["status"] != 408, said
    on.server.wait_no_call()


@cases.case("signal is killed while it rings; then the callee refuses")
def refuse_tls(on):
    refused(on, "tls")


@cases.case("the same over UDP")
def refuse_udp(on):
    refused(on, "udp")


@cases.case("nobody answers: the time that was left goes on")
def no_answer(on):
    with on.phone("1001", **WAY["tls"]) as b:
        b.wait("registered")
        with on.phone("1000", call="1001", **WAY["tls"]) as a:
            ringing(on)
            kill(on)
            _, said = a.finish()
            assert said["status"] == 480, said
        assert b.wait("ended")["status"] == 487
        on.server.wait_no_call()
        b.stop()


if __name__ == "__main__":
    space.enter()
    cases.main()
