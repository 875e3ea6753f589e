#!/usr/bin/python3
"""DTLS-SRTP with the project's own phone: to what is built in, between two phones, to one that has
SDES; with and without rtcp-mux. Nothing clear is on the wire, and what the server shows is true."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
GCM = "AEAD_AES_128_GCM"
DTLS = {"keying": "dtls"}
USERS = {"1000": {}, "1001": {}, "2000": DTLS, "2001": DTLS,
         "3000": {"keying": "dtls", "suites": "AES_CM_128_HMAC_SHA1_80"}}
cases = Cases(__file__, opener(USERS))


def dtls(*options):
    return ("--keying", "dtls", *options)


def shown(on, *keyings):
    """The one call, once each leg has keys and media."""
    def probe():
        call = on.server.answered(len(keyings))
        legs = call["legs"]
        return call if all(leg["rx"]["packets"] and leg["media"]["suite"]
                           for leg in legs) else None
    call = waits.until("media in each leg", probe)
    assert [leg["media"]["keying"] for leg in call["legs"]] == list(keyings), call
    for leg in call["legs"]:
        assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["replayed"] == 0, leg
    return call


# Packets that are under way when a hold begins are dropped, rightly.
LOST_IN_HOLD = 3


def check_end(said, hz, keying="dtls", suite=GCM, rtcp=True, lost=0):
    assert said["result"] == "answered", said
    assert said["media"]["keying"] == keying and said["media"]["suite"] == suite, said
    assert abs(said["audio"]["tone_hz"] - hz) < 5, said
    assert said["audio"]["seconds"] > 1, said
    rx = said["rx"]
    assert rx["auth_failures"] == 0 and rx["clear_dropped"] == 0 and rx["lost"] <= lost, said
    assert rx["rtcp"] > 0 or not rtcp, "no RTCP has come"


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not capture.repeats(wire.rtp())
    sizes = [len(d.data) for d in wire.datagrams() if d.data and 20 <= d.data[0] <= 63]
    assert sizes and max(sizes) <= 1200, sizes


def to_echo(on, user, *options, suite=GCM):
    with on.capture(f"echo-{user}-{len(options)}") as wire:
        with on.phone(user, *options, "--play", f"tone:{CALLER_HZ}", "--seconds", 4,
                      call="echo") as a:
            call = shown(on, "dtls")
            assert call["legs"][0]["media"]["suite"] == suite, call
            _, said = a.finish()
        on.server.wait_no_call()
    check_end(said, CALLER_HZ, suite=suite, rtcp=False)  # echo sends back RTP alone
    check_wire(wire)
    cdr = on.server.cdrs()[-1]
    assert cdr["legs"][0]["media"]["keying"] == "dtls", cdr


@cases.case("echo, two handshakes", peer="sotto phone", keying="dtls: echo", transport="tls")
def echo(on):
    to_echo(on, "2000", *dtls())


@cases.case("echo with rtcp-mux: one handshake", peer="sotto phone", keying="dtls: rtcp-mux",
            transport="tls")
def echo_mux(on):
    to_echo(on, "2000", *dtls("--rtcp-mux"))


@cases.case("a user with the default policy is answered with DTLS")
def echo_by_default(on):
    to_echo(on, "1000", *dtls())


@cases.case("the policy's suite is the one")
def echo_with_suite(on):
    to_echo(on, "3000", *dtls(), suite="AES_CM_128_HMAC_SHA1_80")


def talk(on, caller, callee, caller_options, callee_options, keyings, seconds=4, lost=0):
    with on.capture(f"{caller}-{callee}") as wire, \
            on.phone(callee, "--answer", "--play", f"tone:{CALLEE_HZ}", *callee_options) as b:
        b.wait("registered")
        with on.phone(caller, "--play", f"tone:{CALLER_HZ}", "--seconds", seconds,
                      *caller_options, call=callee) as a:
            b.wait("answered")
            shown(on, *keyings)
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    check_end(said, CALLEE_HZ, keyings[0], GCM, lost=lost)
    check_end(heard, CALLER_HZ, keyings[1], GCM, lost=lost)
    check_wire(wire)


@cases.case("two phones", peer="sotto phone", keying="dtls", transport="tls")
def dtls_to_dtls(on):
    talk(on, "2000", "2001", dtls(), dtls(), ("dtls", "dtls"))


@cases.case("DTLS calls SDES", peer="sotto phone", keying="dtls to sdes", transport="tls")
def dtls_to_sdes(on):
    talk(on, "2000", "1001", dtls("--rtcp-mux"), (), ("dtls", "sdes"))


@cases.case("SDES calls DTLS", peer="sotto phone", keying="sdes to dtls", transport="tls")
def sdes_to_dtls(on):
    talk(on, "1000", "2001", (), dtls(), ("sdes", "dtls"))


@cases.case("hold, resume, re-INVITE: the association stays", peer="sotto phone",
            keying="dtls: hold", transport="tls")
def hold(on):
    mark = on.server.log.mark()
    # The phone's first report, after 2.5 s, may fall into the hold; the second comes 5 s later.
    talk(on, "2000", "2001", dtls("--hold-after", 1), dtls("--reinvite-after", 1), ("dtls", "dtls"),
         seconds=9, lost=LOST_IN_HOLD)
    made = [line for line in on.server.log.since(mark) if "media_keyed" in line]
    assert len(made) == 4, "\n".join(made)


if __name__ == "__main__":
    space.enter("tcpdump")
    cases.main()
