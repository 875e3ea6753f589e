#!/usr/bin/python3
"""ZRTP with the project's own phone: to what is built in, between two phones, to one that has SDES.
Both ends of each leg show one SAS; secrets are kept from call to call and over a restart; a wrong SAS
ends the call; nothing clear is on the wire."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
AES256 = "AES_256_CM_HMAC_SHA1_80"
SDES = "AEAD_AES_128_GCM"
ZRTP = {"keying": "zrtp"}
USERS = {"1000": {}, "1001": {}, "2000": ZRTP, "2001": ZRTP,
         "3000": {"keying": "zrtp", "suites": "AES_CM_128_HMAC_SHA1_32"}}
cases = Cases(__file__, opener(USERS))


def zrtp(*options):
    return ("--keying", "zrtp", *options)


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
        assert leg["rx"]["clear_dropped"] == 0, leg
    return call


# Packets that are under way when a hold begins are dropped, rightly.
LOST_IN_HOLD = 3


def check_end(said, hz, keying="zrtp", suite=AES256, lost=0):
    assert said["result"] == "answered", said
    assert said["media"]["keying"] == keying and said["media"]["suite"] == suite, said
    assert abs(said["audio"]["tone_hz"] - hz) < 5, said
    assert said["audio"]["seconds"] > 1, said
    rx = said["rx"]
    assert rx["auth_failures"] == 0 and rx["clear_dropped"] == 0 and rx["lost"] <= lost, said


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not capture.repeats(wire.rtp())


def to_echo(on, user, *options, suite=AES256):
    """Both see one SAS. Returns what the server and what the phone shows."""
    with on.capture(f"echo-{user}-{len(options)}") as wire:
        with on.phone(user, *options, "--play", f"tone:{CALLER_HZ}", "--seconds", 4,
                      call="echo") as a:
            call = shown(on, "zrtp")
            _, said = a.finish()
        on.server.wait_no_call()
    check_end(said, CALLER_HZ, suite=suite)
    check_wire(wire)
    ours, theirs = call["legs"][0]["media"], said["media"]
    assert ours["suite"] == suite and ours["sas"] and ours["sas"] == theirs["sas"], (ours, theirs)
    assert ours["key_agreement"] == theirs["key_agreement"] == "X255", (ours, theirs)
    cdr = on.server.cdrs()[-1]
    assert cdr["legs"][0]["media"]["keying"] == "zrtp", cdr
    return ours, theirs


@cases.case("echo: one SAS", peer="sotto phone", keying="zrtp: echo", transport="tls")
def echo(on):
    to_echo(on, "2000", *zrtp())


@cases.case("a user with the default policy is answered with ZRTP")
def echo_by_default(on):
    to_echo(on, "1000", *zrtp())


@cases.case("the policy's suite is the one")
def echo_with_suite(on):
    to_echo(on, "3000", *zrtp(), suite="AES_CM_128_HMAC_SHA1_32")


@cases.case("secrets are kept: verified once, verified from then on, also after a restart",
            peer="sotto phone", keying="zrtp: retained secrets", transport="tls")
def retained(on):
    kept = ("--zrtp-secrets", str(Path(on.folder) / "retained.zrtp"))
    _, first = to_echo(on, "2000", *zrtp(*kept, "--verify-sas", "any"))
    assert first["sas_verified"] and not first["cache_mismatch"], first
    ours, second = to_echo(on, "2000", *zrtp(*kept))
    assert not second["cache_mismatch"] and not ours["cache_mismatch"], (ours, second)
    on.server.stop()
    on.server.start()
    ours, third = to_echo(on, "2000", *zrtp(*kept))
    assert not third["cache_mismatch"] and not ours["cache_mismatch"], (ours, third)
    lost = ("--zrtp-secrets", str(Path(on.folder) / "retained.zrtp"))
    lines = Path(lost[1]).read_text().splitlines()
    Path(lost[1]).write_text(lines[0] + "\n")
    ours, fourth = to_echo(on, "2000", *zrtp(*lost))
    assert ours["cache_mismatch"] and not fourth["cache_mismatch"], (ours, fourth)
    assert any("zrtp_cache_mismatch" in line for line in on.server.log.since())


@cases.case("a SAS that differs ends the call, with the reason")
def wrong_sas(on):
    with on.phone("2000", *zrtp("--verify-sas", "nope"), "--seconds", 20, call="echo") as a:
        _, said = a.finish()
    assert "SAS" in said["reason"] and said["seconds"] < 10, said
    on.server.wait_no_call()


@cases.case("an operator marks a leg's SAS as compared, and takes it back; it is kept", peer="sotto phone",
            keying="zrtp: sas verify", transport="tls")
def marked(on):
    kept = ("--zrtp-secrets", str(Path(on.folder) / "marked.zrtp"), "--verify-sas", "any")

    def is_marked(wanted):
        return waits.until(f"sas_verified {wanted}", lambda: on.server.answered(1)["legs"][0]
                           ["media"]["sas_verified"] == wanted)
    with on.phone("2000", *zrtp(*kept), "--seconds", 20, call="echo") as a:
        call = shown(on, "zrtp")
        assert not call["legs"][0]["media"]["sas_verified"], call
        for wrong in (["0000", "--leg", "caller"], [call["id"], "--leg", "callee"],
                      [call["id"], "--leg", "other"]):
            status, _, err = on.server.run("sas", "verify", *wrong)
            assert status and "has no SAS with this server" in err, (status, err)
        on.server.cli("sas", "verify", call["id"], "--leg", "caller")
        is_marked(True)
        assert "compared and found equal" in on.server.cli("explain", call["id"])
        on.server.cli("sas", "unverify", call["id"], "--leg", "caller")
        is_marked(False)
        on.server.cli("sas", "verify", call["id"], "--leg", "caller")
        is_marked(True)
        a.stop()
    on.server.wait_no_call()
    with on.phone("2000", *zrtp(*kept), "--seconds", 20, call="echo") as a:
        shown(on, "zrtp")
        is_marked(True)
        a.stop()
    on.server.wait_no_call()


def talk(on, caller, callee, caller_options, callee_options, keyings, lost=0):
    with on.capture(f"{caller}-{callee}") as wire, \
            on.phone(callee, "--answer", "--play", f"tone:{CALLEE_HZ}", *callee_options) as b:
        b.wait("registered")
        with on.phone(caller, "--play", f"tone:{CALLER_HZ}", "--seconds", 4, *caller_options,
                      call=callee) as a:
            b.wait("answered")
            call = shown(on, *keyings)
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    check_end(said, CALLEE_HZ, keyings[0], AES256 if keyings[0] == "zrtp" else SDES, lost=lost)
    check_end(heard, CALLER_HZ, keyings[1], AES256 if keyings[1] == "zrtp" else SDES, lost=lost)
    check_wire(wire)
    for leg, end in zip(call["legs"], (said, heard)):
        assert leg["media"]["sas"] == end["media"]["sas"], (leg, end)
    return call, said, heard


@cases.case("two phones: the server is the end of each leg, and says so", peer="sotto phone",
            keying="zrtp", transport="tls")
def zrtp_to_zrtp(on):
    call, said, heard = talk(on, "2000", "2001", zrtp(), zrtp(), ("zrtp", "zrtp"))
    assert said["media"]["sas"] != heard["media"]["sas"]
    assert not any(leg["media"]["end_to_end"] for leg in call["legs"])


@cases.case("two enrolled phones see one SAS end to end", peer="sotto phone",
            keying="zrtp: trusted man in the middle", transport="tls")
def enrolled(on):
    kept = {user: zrtp("--zrtp-secrets", str(Path(on.folder) / f"{user}.zrtp"))
            for user in ("2000", "2001")}
    for user in kept:
        ours, theirs = to_echo(on, user, *kept[user], "--enroll")
        assert not ours["trusted_mitm"] and not theirs["trusted_mitm"], (ours, theirs)
    with on.phone("2001", "--answer", "--play", f"tone:{CALLEE_HZ}", *kept["2001"]) as b:
        b.wait("registered")
        with on.phone("2000", "--play", f"tone:{CALLER_HZ}", "--seconds", 4, *kept["2000"],
                      call="2001") as a:
            call = shown(on, "zrtp", "zrtp")
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    assert said["media"]["sas"] and said["media"]["sas"] == heard["media"]["sas"], (said, heard)
    assert said["media"]["trusted_mitm"] and heard["media"]["trusted_mitm"], (said, heard)
    assert all(leg["media"]["trusted_mitm"] for leg in call["legs"]), call


@cases.case("media and signalling are killed in a call: it goes on under its keys", peer="sotto phone",
            keying="zrtp: kill -9 of media, signal", transport="tls")
def killed(on):
    mark = on.server.log.mark()
    with on.phone("2001", "--answer", "--play", f"tone:{CALLEE_HZ}", *zrtp()) as b:
        b.wait("registered")
        with on.phone("2000", "--play", f"tone:{CALLER_HZ}", "--seconds", 8, *zrtp(),
                      call="2001") as a:
            before = shown(on, "zrtp", "zrtp")
            on.server.kill_role("media")
            on.server.kill_role("signal")
            packets = [leg["rx"]["packets"] for leg in before["legs"]]
            after = waits.until("more media", lambda: [
                leg for leg in on.server.answered(2)["legs"]
                if leg["rx"]["packets"] > max(packets) + 100])
            assert after, before
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    for end, hz in ((said, CALLEE_HZ), (heard, CALLER_HZ)):
        assert abs(end["audio"]["tone_hz"] - hz) < 5 and end["seconds"] > 7, end
        assert end["rx"]["auth_failures"] == 0 and end["rx"]["clear_dropped"] == 0, end
    made = [line for line in on.server.log.since(mark) if "media_keyed" in line]
    assert len(made) == 2, "\n".join(made)


@cases.case("ZRTP calls SDES", peer="sotto phone", keying="zrtp to sdes", transport="tls")
def zrtp_to_sdes(on):
    talk(on, "2000", "1001", zrtp(), (), ("zrtp", "sdes"))


@cases.case("SDES calls ZRTP", peer="sotto phone", keying="sdes to zrtp", transport="tls")
def sdes_to_zrtp(on):
    talk(on, "1000", "2001", (), zrtp(), ("sdes", "zrtp"))


@cases.case("hold, resume, re-INVITE: the keys stay", peer="sotto phone", keying="zrtp: hold",
            transport="tls")
def hold(on):
    mark = on.server.log.mark()
    talk(on, "2000", "2001", zrtp("--hold-after", 1), zrtp("--reinvite-after", 1),
         ("zrtp", "zrtp"), lost=LOST_IN_HOLD)
    made = [line for line in on.server.log.since(mark) if "media_keyed" in line]
    assert len(made) == 2, "\n".join(made)


if __name__ == "__main__":
    space.enter("tcpdump")
    cases.main()
