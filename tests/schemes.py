#!/usr/bin/python3
"""The four ways in which two phones on one server can be protected, with what each person and the administrator
see: the SAS on both phones and the protection record of both legs."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
SDES = {"keying": "sdes"}
ZRTP = {"keying": "zrtp"}
USERS = {"1000": SDES, "1001": SDES, "2000": ZRTP, "2001": ZRTP,
         "3000": {"media": "pass", **ZRTP}, "3001": {"media": "pass", **ZRTP},
         "4000": {"media": "direct", **ZRTP}, "4001": {"media": "direct", **ZRTP}}
cases = Cases(__file__, opener(USERS))


def is_settled(leg, path):
    media = leg["media"]
    if path == "direct":
        return True
    keys = media["suite"] if path == "relay" else media["end_to_end"]
    return keys and leg["rx"]["packets"]


def talk(on, caller, callee, keyings, *, path="relay", options=((), ())):
    """Both legs' records and what both phones say of theirs."""
    with on.capture(f"{caller}-{callee}") as wire, \
            on.phone(callee, "--keying", keyings[1], "--answer", "--play", f"tone:{CALLEE_HZ}",
                     *options[1]) as b:
        b.wait("registered")
        with on.phone(caller, "--keying", keyings[0], "--play", f"tone:{CALLER_HZ}", "--seconds",
                      4, *options[0], call=callee) as a:
            b.wait("answered")

            def probe():
                call = on.server.answered(2)
                return call if all(is_settled(leg, path) for leg in call["legs"]) else None
            call = waits.until("keys and media in each leg", probe)
            told = on.server.cli("explain", call["id"])
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    assert wire.rtp() and not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    for end, hz, keying in ((said, CALLEE_HZ, keyings[0]), (heard, CALLER_HZ, keyings[1])):
        assert end["media"]["keying"] == keying and abs(end["audio"]["tone_hz"] - hz) < 5, end
    records = [leg["media"] for leg in call["legs"]]
    assert all(record["path"] == path for record in records), records
    return records, (said["media"], heard["media"]), told


def enroll(on, user):
    """The phone trusts the server as man in the middle from now on."""
    kept = ("--zrtp-secrets", str(Path(on.folder) / f"{user}.zrtp"))
    with on.phone(user, "--keying", "zrtp", *kept, "--enroll", "--seconds", 3, call="echo") as a:
        _, said = a.finish()
    assert said["media"]["sas"], said
    on.server.wait_no_call()
    return kept


@cases.case("1: TLS and SDES to the server on both sides", peer="sotto phone",
            keying="scheme 1: sdes, sdes", transport="tls")
def scheme_1(on):
    records, phones, told = talk(on, "1000", "1001", ("sdes", "sdes"))
    assert [r["keying"] for r in records] == ["sdes", "sdes"], records
    assert not any(r["sas"] or r["end_to_end"] for r in (*records, *phones)), (records, phones)
    assert "Both legs are protected, and the server in between has the keys" in told, told


@cases.case("2: ZRTP to the server as trusted man in the middle on both sides", peer="sotto phone",
            keying="scheme 2: zrtp, zrtp, End at MitM", transport="tls")
def scheme_2(on):
    records, phones, told = talk(on, "2000", "2001", ("zrtp", "zrtp"))
    assert [r["keying"] for r in records] == ["zrtp", "zrtp"], records
    # not enrolled: each phone has a SAS with the server
    assert [r["sas"] for r in records] == [p["sas"] for p in phones], (records, phones)
    assert phones[0]["sas"] != phones[1]["sas"], phones
    assert not any(r["end_to_end"] or r["trusted_mitm"] for r in (*records, *phones)), records
    assert "the server in between has the keys of each leg" in told, told
    options = [enroll(on, user) for user in ("2000", "2001")]
    records, phones, told = talk(on, "2000", "2001", ("zrtp", "zrtp"), options=options)
    assert phones[0]["sas"] and phones[0]["sas"] == phones[1]["sas"], phones
    assert all(r["trusted_mitm"] and not r["end_to_end"] for r in (*records, *phones)), records
    assert "trusts this server as a man in the middle" in told, told


@cases.case("3: ZRTP from phone to phone, passed through untouched, and direct", peer="sotto phone",
            keying="scheme 3: zrtp: pass, direct", transport="tls")
def scheme_3(on):
    for caller, callee, path in (("3000", "3001", "pass"), ("4000", "4001", "direct")):
        records, phones, told = talk(on, caller, callee, ("zrtp", "zrtp"), path=path)
        assert phones[0]["sas"] and phones[0]["sas"] == phones[1]["sas"], phones
        assert not any(p["trusted_mitm"] for p in phones), phones
        for record in records:
            assert record["keying"] == "pass" and record["end_to_end"], record
            assert record["sas"] is None, record
        assert "the server cannot listen" in told, told


@cases.case("4: SDES on one side, ZRTP on the other", peer="sotto phone",
            keying="scheme 4: sdes, zrtp", transport="tls")
def scheme_4(on):
    records, phones, told = talk(on, "1000", "2001", ("sdes", "zrtp"))
    assert [r["keying"] for r in records] == ["sdes", "zrtp"], records
    assert records[0]["sas"] is None and phones[0]["sas"] is None, (records, phones)
    assert records[1]["sas"] and records[1]["sas"] == phones[1]["sas"], (records, phones)
    assert not any(r["end_to_end"] for r in (*records, *phones)), (records, phones)
    assert "Both legs are protected" in told, told


if __name__ == "__main__":
    space.enter("tcpdump")
    cases.main()
