#!/usr/bin/python3
"""MIKEY with the project's own phone: to what is built in, to one that has SDES, both ways, with hold and
re-INVITE. Nothing clear is on the wire."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
SUITE = "AES_CM_128_HMAC_SHA1_80"
MIKEY = {"keying": "mikey"}
USERS = {"1000": {}, "1001": {}, "2000": MIKEY, "2001": MIKEY}
PHONE = ("--keying", "mikey")
cases = Cases(__file__, opener(USERS))


def check_end(said, hz, keying):
    assert said["result"] == "answered", said
    assert said["media"]["keying"] == keying and said["media"]["suite"] == SUITE, said
    assert abs(said["audio"]["tone_hz"] - hz) < 5, said
    rx = said["rx"]
    assert rx["auth_failures"] == 0 and rx["clear_dropped"] == 0 and rx["lost"] == 0, said


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not capture.repeats(wire.rtp())


@cases.case("echo", peer="sotto phone", keying="mikey: echo", transport="tls")
def echo(on):
    with on.capture("echo") as wire:
        with on.phone("2000", *PHONE, "--play", f"tone:{CALLER_HZ}", "--seconds", 3,
                      call="echo") as a:
            call = on.server.answered(1)
            assert call["legs"][0]["media"]["keying"] == "mikey", call
            _, said = a.finish()
        on.server.wait_no_call()
    check_end(said, CALLER_HZ, "mikey")
    check_wire(wire)


def talk(on, caller, callee, caller_options, callee_options, keyings):
    with on.capture(f"{caller}-{callee}") as wire, \
            on.phone(callee, "--answer", "--play", f"tone:{CALLEE_HZ}", *callee_options) as b:
        b.wait("registered")
        with on.phone(caller, "--play", f"tone:{CALLER_HZ}", "--seconds", 4, *caller_options,
                      call=callee) as a:
            b.wait("answered")
            waits.until("media in each leg", lambda: all(
                leg["rx"]["packets"] for leg in on.server.answered(2)["legs"]))
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    check_end(said, CALLEE_HZ, keyings[0])
    check_end(heard, CALLER_HZ, keyings[1])
    check_wire(wire)


@cases.case("MIKEY calls SDES", peer="sotto phone", keying="mikey to sdes", transport="tls")
def mikey_to_sdes(on):
    talk(on, "2000", "1001", PHONE, (), ("mikey", "sdes"))


@cases.case("two of them: hold, resume, re-INVITE", peer="sotto phone", keying="mikey: hold",
            transport="tls")
def hold(on):
    talk(on, "2000", "2001", (*PHONE, "--hold-after", 1), (*PHONE, "--reinvite-after", 1),
         ("mikey", "mikey"))


if __name__ == "__main__":
    space.enter("tcpdump")
    cases.main()
