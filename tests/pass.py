#!/usr/bin/python3
"""Pass-through: two phones agree with each other through the relay, which has no keys. One SAS on both, from
end to end; it goes on through hold, re-INVITE and the death of roles; nothing clear gets through."""
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
PASS = {"media": "pass"}
USERS = {"1000": {}, "2000": PASS, "2001": PASS,
         "4000": {"media": "direct"}, "4001": {"media": "direct"},
         "3000": {"media": "pass", "keying": "zrtp"}, "3001": {"media": "pass", "keying": "dtls"}}
cases = Cases(__file__, opener(USERS))


def shown(on, path):
    """The one call, once its keys are agreed and each phone is heard."""
    def probe():
        call = on.server.answered(2)
        return call if all(leg["rx"]["packets"] or path == "direct"
                           for leg in call["legs"]) else None
    call = waits.until("media in each leg", probe)
    for leg in call["legs"]:
        assert leg["media"]["keying"] == "pass" and leg["media"]["path"] == path, leg
        assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["clear_dropped"] == 0, leg
        assert leg["media"]["sas"] is None and leg["media"]["suite"] is None, leg
    return call


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)


def check_ends(said, heard, keying, seconds=1):
    for end, hz in ((said, CALLEE_HZ), (heard, CALLER_HZ)):
        assert end["result"] == "answered" and end["media"]["keying"] == keying, end
        assert abs(end["audio"]["tone_hz"] - hz) < 5 and end["audio"]["seconds"] > seconds, end
        assert end["rx"]["auth_failures"] == 0 and end["rx"]["clear_dropped"] == 0, end


def talk(on, keying, *, callers=(), callees=(), seconds=4, meanwhile=lambda call: None,
         pair=("2000", "2001"), path="pass"):
    """What the server shows, and both phones' last words."""
    caller, callee = pair
    with on.capture(f"{keying}-{len(callers)}-{len(callees)}-{seconds}") as wire, \
            on.phone(callee, "--keying", keying, "--answer", "--play", f"tone:{CALLEE_HZ}",
                     *callees) as b:
        b.wait("registered")
        with on.phone(caller, "--keying", keying, "--play", f"tone:{CALLER_HZ}", "--seconds",
                      seconds, *callers, call=callee) as a:
            b.wait("answered")
            call = shown(on, path)
            meanwhile(call)
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    check_wire(wire)
    if path == "direct":
        relayed = [p for p in wire.rtp() if {p.sport, p.dport} & set(range(20000, 30000))]
        assert not relayed, relayed[:3]
    check_ends(said, heard, keying)
    return call, said, heard


def check_one_sas(said, heard):
    assert said["media"]["sas"] and said["media"]["sas"] == heard["media"]["sas"], (said, heard)
    assert not said["media"]["trusted_mitm"] and not heard["media"]["trusted_mitm"], (said, heard)


@cases.case("two ZRTP phones: one SAS, end to end", peer="sotto phone", keying="zrtp: pass",
            transport="tls")
def zrtp(on):
    call, said, heard = talk(on, "zrtp")
    check_one_sas(said, heard)
    for leg in call["legs"] + on.server.cdrs()[-1]["legs"]:
        assert leg["media"]["end_to_end"] and leg["media"]["passes"] == "zrtp", leg
    told = on.server.cli("explain", call["id"])
    assert "From end to end" in told and "short authentication string" in told, told


@cases.case("two DTLS phones: end to end", peer="sotto phone", keying="dtls: pass", transport="tls")
def dtls(on):
    call, _, _ = talk(on, "dtls")
    for leg in call["legs"]:
        assert leg["media"]["end_to_end"] and leg["media"]["passes"] == "dtls", leg


@cases.case("two SDES phones: the server could listen, and says so", peer="sotto phone",
            keying="sdes: pass", transport="tls")
def sdes(on):
    call, said, heard = talk(on, "sdes")
    assert said["media"]["suite"] == heard["media"]["suite"], (said, heard)
    for leg in call["legs"]:
        assert not leg["media"]["end_to_end"] and leg["media"]["passes"] == "sdes", leg
    told = on.server.cli("explain", call["id"])
    assert "could listen" in told and "From end to end" not in told, told


@cases.case("hold, resume and re-INVITE: the keys stay", peer="sotto phone",
            keying="zrtp: pass, hold", transport="tls")
def hold(on):
    _, said, heard = talk(on, "zrtp", callers=("--hold-after", 1), callees=("--reinvite-after", 1),
                          seconds=5)
    check_one_sas(said, heard)


@cases.case("the offer comes late", peer="sotto phone", keying="zrtp, dtls, sdes: pass, late offer",
            transport="tls")
def late(on):
    for keying in ("zrtp", "dtls", "sdes"):
        call, _, _ = talk(on, keying, callers=("--offer-late",))
        assert all(leg["media"]["passes"] == keying for leg in call["legs"]), call


def inject(call):
    """Clear RTP from a stranger on the phones' own host to both relay ports."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for leg in call["legs"]:
            host, port = leg["media"]["local"].rsplit(":", 1)
            for seq in range(50):
                s.sendto(struct.pack("!BBHII", 0x80, 8, seq, seq * 160, 0x5eed) + b"\xd5" * 160,
                         (host, int(port)))


@cases.case("clear RTP that is thrown in reaches nobody", peer="sotto phone",
            keying="zrtp: pass, injection", transport="tls")
def injected(on):
    for keying in ("zrtp", "sdes"):
        with on.capture(f"injected-{keying}") as wire:
            talk(on, keying, meanwhile=inject)
        wire.check_whole()
        sources = [p for p in wire.rtp() if p.ssrc == 0x5eed]
        ports = {p.dport for p in sources}
        assert len(ports) == 2, ports  # it came to the two relay ports, and left by none


@cases.case("media and signalling are killed in a call: it goes on", peer="sotto phone",
            keying="zrtp: pass, kill -9", transport="tls")
def killed(on):
    def kill(call):
        on.server.kill_role("media")
        on.server.kill_role("signal")
        before = max(leg["rx"]["packets"] for leg in call["legs"])
        waits.until("more media", lambda: all(
            leg["rx"]["packets"] > before + 100 for leg in on.server.answered(2)["legs"]))
        for leg in on.server.answered(2)["legs"]:
            assert leg["media"]["keying"] == "pass" and leg["media"]["end_to_end"], leg
        assert "From end to end" in on.server.cli("explain", call["id"])
    _, said, heard = talk(on, "zrtp", seconds=9, meanwhile=kill)
    check_one_sas(said, heard)


@cases.case("a user who wants the other end protected takes such a call")
def demanded(on):
    for user in ("2000", "2001"):
        on.server.cli("user", "set", user, "--require-peer")
    try:
        _, said, heard = talk(on, "zrtp")
    finally:
        for user in ("2000", "2001"):
            on.server.cli("user", "set", user, "--any-peer")
    check_one_sas(said, heard)


DIRECT = {"pair": ("4000", "4001"), "path": "direct"}


@cases.case("direct: media from phone to phone, one SAS", peer="sotto phone",
            keying="zrtp: direct", transport="tls")
def direct(on):
    def kill(_):
        on.server.kill_role("media")
        on.server.kill_role("signal")
        for leg in on.server.answered(2)["legs"]:
            assert leg["media"]["path"] == "direct" and leg["media"]["end_to_end"], leg
    call, said, heard = talk(on, "zrtp", callers=("--hold-after", 1), seconds=6, meanwhile=kill,
                             **DIRECT)
    check_one_sas(said, heard)
    for leg in call["legs"]:
        assert leg["media"]["end_to_end"] and leg["rx"]["packets"] == 0, leg
    told = on.server.cli("explain", call["id"])
    assert "does not come here" in told, told


@cases.case("direct with SDES: the server knows the keys", peer="sotto phone",
            keying="sdes: direct", transport="tls")
def direct_sdes(on):
    call, _, _ = talk(on, "sdes", **DIRECT)
    assert not any(leg["media"]["end_to_end"] for leg in call["legs"]), call


@cases.case("one has direct, the other pass: it is relayed untouched", peer="sotto phone",
            keying="zrtp: direct and pass", transport="tls")
def direct_and_pass(on):
    _, said, heard = talk(on, "zrtp", pair=("4000", "2001"))
    check_one_sas(said, heard)


@cases.case("an offer without keys is refused before anybody rings")
def no_keys(on):
    with on.phone("2001", "--keying", "zrtp", "--answer") as b:
        b.wait("registered")
        with on.phone("2000", "--keying", "none", "--seconds", 5, call="2001") as a:
            _, said = a.finish()
        assert said["status"] == 488 and "offers no encryption" in said["reason"], said
        assert not any('"ringing"' in line for line in b.out.since()), b.out.text()
        b.stop()


@cases.case("one user has it, the other has not: the server ends keying, and says why",
            peer="sotto phone", keying="zrtp to sdes, one with pass", transport="tls")
def one_side(on):
    with on.phone("1000", "--answer", "--play", f"tone:{CALLEE_HZ}") as b:
        b.wait("registered")
        with on.phone("2000", "--keying", "zrtp", "--play", f"tone:{CALLER_HZ}", "--seconds", 4,
                      call="1000") as a:
            def probe():
                call = on.server.answered(2)
                return call if all(leg["media"]["suite"] for leg in call["legs"]) else None
            call = waits.until("keys in each leg", probe)
            told = on.server.cli("explain", call["id"])
            _, said = a.finish()
        b.stop()
    assert [leg["media"]["keying"] for leg in call["legs"]] == ["zrtp", "sdes"], call
    assert "only one of the two users has `--media pass`" in told, told
    assert abs(said["audio"]["tone_hz"] - CALLEE_HZ) < 5, said
    on.server.wait_no_call()


@cases.case("policies without a keying in common: the server stands between")
def no_common_keying(on):
    with on.phone("3001", "--keying", "dtls", "--answer", "--play", f"tone:{CALLEE_HZ}") as b:
        b.wait("registered")
        with on.phone("3000", "--keying", "zrtp", "--seconds", 4, call="3001") as a:
            b.wait("answered")
            call = waits.until("keys in each leg", lambda: (
                lambda c: all(leg["media"]["suite"] for leg in c["legs"]) and c)(
                    on.server.answered(2)))
            told = on.server.cli("explain", call["id"])
            a.finish()
        b.stop()
    assert [leg["media"]["keying"] for leg in call["legs"]] == ["zrtp", "dtls"], call
    assert "no keying in common" in told, told
    on.server.wait_no_call()


if __name__ == "__main__":
    space.enter("tcpdump")
    cases.main()
