#!/usr/bin/python3
"""ICE with the project's own phone: connectivity checks towards the server, which is lite; with SDES,
DTLS-SRTP and in clear, with and without rtcp-mux, over IPv4 and IPv6, and through a restart of the
media role."""
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


def is_over(on, host):
    """The pair, as `show calls` tells it."""
    def probe():
        leg = connected(on, "connected")["legs"][0]
        media = leg["media"]
        at = f"[{host}]:" if ":" in host else f"{host}:"
        return leg if all(media[end].startswith(at) for end in ("local", "remote")) else None
    return waits.until(f"a pair over {host}", probe)


def to_echo(on, user, *options, keying, over=space.HOST6):
    start = on.server.log.mark()
    with on.phone(user, "--ice", *options, "--keying", keying, "--play", f"tone:{HZ}", "--seconds", 3,
                  call="echo") as a:
        assert is_over(on, over)["media"]["keying"] == keying
        if keying == "dtls" and "--rtcp-mux" not in options:
            on.server.log.wait_line(r"media_keyed .*component=rtcp", start)
        _, said = a.finish()
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said
    assert said["rx"]["lost"] == 0 and said["rx"]["auth_failures"] == 0, said
    assert said["media"]["path"] == "relay", said


@cases.case("echo with ICE", peer="sotto phone", keying="sdes: ICE", transport="tls")
def sdes(on):
    to_echo(on, "1000", keying="sdes")


@cases.case("echo with ICE, handshakes on both ports", peer="sotto phone", keying="dtls: ICE",
            transport="tls")
def dtls(on):
    to_echo(on, "1000", keying="dtls")


@cases.case("echo with ICE and rtcp-mux", peer="sotto phone", keying="dtls: ICE, rtcp-mux",
            transport="tls")
def dtls_mux(on):
    to_echo(on, "1000", "--rtcp-mux", keying="dtls")


@cases.case("echo with ICE, in clear", peer="sotto phone", keying="none: ICE", transport="tls")
def clear(on):
    to_echo(on, "2000", keying="none")


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


@cases.case("a phone that has IPv6 alone for media", peer="sotto phone", keying="sdes: ICE, IPv6",
            transport="tls")
def six_alone(on):
    to_echo(on, "1000", "--ice-only", "ipv6", keying="sdes")
    to_echo(on, "1000", "--ice-only", "ipv6", keying="dtls")


@cases.case("a phone that has IPv4 alone", peer="sotto phone", keying="sdes: ICE, IPv4",
            transport="tls")
def four_alone(on):
    to_echo(on, "1000", "--ice-only", "ipv4", keying="sdes", over=space.HOST)
    to_echo(on, "1000", "--ice-only", "ipv4", keying="dtls", over=space.HOST)


@cases.case("ICE offered to a phone, which has IPv6 alone for media; its caller has IPv4",
            peer="sotto phone", keying="dtls: ICE, IPv6, called", transport="tls")
def six_called(on):
    with on.phone("1001", "--ice-only", "ipv6", "--keying", "dtls", "--answer", "--echo") as b:
        b.wait("registered")
        with on.phone("1000", "--play", f"tone:{HZ}", "--seconds", 3, call="1001") as a:
            call = connected(on, None, "connected")
            media = [leg["media"] for leg in call["legs"]]
            assert media[0]["local"].startswith(space.HOST + ":"), media
            assert media[1]["local"].startswith(f"[{space.HOST6}]:"), media
            assert media[1]["remote"].startswith(f"[{space.HOST6}]:"), media
            _, said = a.finish()
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said


@cases.case("kill -9 of media on a pair over IPv6", peer="sotto phone",
            keying="dtls: ICE, IPv6, kill -9 of media", transport="tls")
def six_killed(on):
    with on.phone("1000", "--ice", "--keying", "dtls", "--play", f"tone:{HZ}", "--seconds", 12,
                  call="echo") as a:
        is_over(on, space.HOST6)
        on.server.kill_role("media")
        before = on.server.answered(1)["legs"][0]["rx"]["packets"]
        waits.until("media after the kill",
                    lambda: on.server.answered(1)["legs"][0]["rx"]["packets"] > before + 100)
        is_over(on, space.HOST6)
        _, said = a.finish()
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said
    assert said["audio"]["max_gap_ms"] < 3000, said


@cases.case("IPv6 goes away in the middle of the call", peer="sotto phone",
            keying="dtls: ICE, from IPv6 to IPv4", transport="tls")
def six_lost(on):
    with on.phone("1000", "--ice", "--keying", "dtls", "--play", f"tone:{HZ}", "--seconds", 25,
                  call="echo") as a:
        is_over(on, space.HOST6)
        space.ipv6("del")
        try:
            before = is_over(on, space.HOST)["rx"]["packets"]
            waits.until("media over IPv4",
                        lambda: on.server.answered(1)["legs"][0]["rx"]["packets"] > before + 100)
            _, said = a.finish(40)
        finally:
            space.ipv6("add")
    on.server.wait_no_call()
    assert said["result"] == "answered" and abs(said["audio"]["tone_hz"] - HZ) < 5, said
    assert said["rx"]["auth_failures"] == 0, said


space.enter()
# Signalling, m= and c= are over IPv4 all the same.
space.ipv6("add")
cases.main()
