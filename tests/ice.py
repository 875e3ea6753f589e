#!/usr/bin/python3
"""ICE with the project's own phone: connectivity checks towards the server, which is lite; with SDES,
DTLS-SRTP and in clear, with and without rtcp-mux, and through a restart of the media role."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

HZ = 440
cases = Cases(__file__, opener({"1000": {}, "1001": {}, "2000": {"protection": "off"}}))


def connected(on, *states):
    """The one call, once its legs' ICE is so and media comes from each."""
    def probe():
        call = on.server.answered(len(states))
        legs = call["legs"]
        return call if ([leg["media"]["ice"] for leg in legs] == list(states) and
                        all(leg["rx"]["packets"] > 20 for leg in legs)) else None
    return waits.until(f"ICE to be {states}", probe)


def to_echo(on, user, *options, keying):
    with on.phone(user, "--ice", *options, "--play", f"tone:{HZ}", "--seconds", 3, call="echo") as a:
        call = connected(on, "connected")
        leg = call["legs"][0]
        assert leg["media"]["keying"] == keying, leg
        assert leg["media"]["remote"].startswith(space.HOST + ":"), leg
        _, said = a.finish()
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said
    assert said["rx"]["lost"] == 0 and said["rx"]["auth_failures"] == 0, said


@cases.case("echo with ICE", peer="sotto phone", keying="sdes: ICE", transport="tls")
def sdes(on):
    to_echo(on, "1000", "--keying", "sdes", keying="sdes")


@cases.case("echo with ICE, handshakes on both ports", peer="sotto phone", keying="dtls: ICE",
            transport="tls")
def dtls(on):
    to_echo(on, "1000", "--keying", "dtls", keying="dtls")


@cases.case("echo with ICE and rtcp-mux", peer="sotto phone", keying="dtls: ICE, rtcp-mux",
            transport="tls")
def dtls_mux(on):
    to_echo(on, "1000", "--keying", "dtls", "--rtcp-mux", keying="dtls")


@cases.case("echo with ICE, in clear", peer="sotto phone", keying="none: ICE", transport="tls")
def clear(on):
    to_echo(on, "2000", "--keying", "none", keying="none")


@cases.case("ICE on one leg, none on the other; kill -9 of media", peer="sotto phone",
            keying="dtls: ICE, kill -9 of media", transport="tls")
def pair(on):
    with on.phone("1001", "--keying", "sdes", "--answer", "--echo") as b:
        b.wait("registered")
        with on.phone("1000", "--ice", "--keying", "dtls", "--play", f"tone:{HZ}", "--seconds", 12,
                      call="1001") as a:
            connected(on, "connected", None)
            on.server.kill_role("media")
            before = on.server.answered()["legs"][0]["rx"]["packets"]
            waits.until("media after the kill",
                        lambda: on.server.answered()["legs"][0]["rx"]["packets"] > before + 100)
            connected(on, "connected", None)
            _, said = a.finish()
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said


@cases.case("ICE offered to a phone that asks for it", peer="sotto phone", keying="sdes: ICE",
            transport="tls")
def asked_for(on):
    """+sip.ice with the registration (RFC 5768); the caller does none."""
    with on.phone("1001", "--ice", "--answer", "--echo") as b:
        b.wait("registered")
        with on.phone("1000", "--play", f"tone:{HZ}", "--seconds", 3, call="1001") as a:
            connected(on, None, "connected")
            _, said = a.finish()
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said


space.enter()
cases.main()
