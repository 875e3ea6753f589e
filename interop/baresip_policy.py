#!/usr/bin/python3
"""What a user's protection policy does to a real phone: required, preferred, off, in both directions."""
from lib import space, stage
from lib.cases import Cases

space.enter("baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
USERS = {"1000": {"protection": "required"}, "1001": {"protection": "required"},
         "2000": {"protection": "preferred"}, "2001": {"protection": "preferred"},
         "3000": {"protection": "off"}, "3001": {"protection": "off"}}
cases = Cases(__file__, stage.opener(USERS))


def talk(on, caller, callee, keying):
    """caller, callee: (user, keying of its phone); keying: what each leg must have."""
    a = on.baresip(caller[0], hz=CALLER_HZ, keying=caller[1])
    b = on.baresip(callee[0], hz=CALLEE_HZ, keying=callee[1])
    with a, b:
        a.call(callee[0])
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        legs = {leg["role"]: leg["media"]["keying"] for leg in on.server.answered()["legs"]}
        assert (legs["caller"], legs["callee"]) == keying, legs
        a.hang_up()
        b.wait_closed()
        on.server.wait_no_call()


def refused(on, caller, callee, reason):
    """488 for the caller; log, record and `sotto show calls` say why."""
    records, log = len(on.server.cdrs()), on.server.log.mark()
    with on.baresip(caller[0], keying=caller[1]) as a, on.baresip(callee[0], keying=callee[1]):
        mark = a.dial(callee[0])
        assert "488" in a.wait_closed(mark), a.events.since()
        record = on.server.wait_cdr(records + 1)
        assert record["status"] == 488 and record["seconds"] == 0, record
        assert reason in record["reason"].lower(), record
        shown = [c for c in on.server.show("calls") if c["id"] == record["id"]]
        assert len(shown) == 1 and shown[0]["reason"] == record["reason"], shown
        _, line = on.server.log.wait_line(rf"call_\w+ .*{record['id']}.*status=488.*", log)
        assert record["reason"] in line[0], line[0]


@cases.case("required: a phone that offers clear media is refused", peer="baresip",
            keying="none to required: 488", transport="tls")
def clear_caller_of_required(on):
    refused(on, ("1000", "none"), ("1001", "srtp-mand"), "encr")


@cases.case("required: a callee's phone that knows no SRTP is not called in clear", peer="baresip",
            keying="required to none: 488", transport="tls")
def clear_callee_of_required(on):
    refused(on, ("1000", "srtp-mand"), ("1001", "none"), "")


@cases.case("off: a phone that insists on SRTP is refused", peer="baresip",
            keying="srtp-mand to off: 488", transport="tls")
def srtp_caller_of_off(on):
    refused(on, ("3000", "srtp-mand"), ("3001", "none"), "encr")


@cases.case("off towards required: each leg has its own user's policy", peer="baresip",
            keying="none to sdes", transport="tls")
def off_to_required(on):
    talk(on, ("3000", "none"), ("1001", "srtp-mand"), ("none", "sdes"))


@cases.case("required towards off: likewise", peer="baresip", keying="sdes to none",
            transport="tls")
def required_to_off(on):
    talk(on, ("1000", "srtp-mand"), ("3001", "none"), ("sdes", "none"))


@cases.case("preferred, both phones know SRTP: both legs have it", peer="baresip",
            keying="preferred: sdes", transport="tls")
def preferred_with_srtp(on):
    talk(on, ("2000", "srtp"), ("2001", "srtp"), ("sdes", "sdes"))


@cases.case("preferred, the caller's phone knows no SRTP: its leg is clear", peer="baresip",
            keying="preferred: none to sdes", transport="tls")
def preferred_clear_caller(on):
    talk(on, ("2000", "none"), ("2001", "srtp"), ("none", "sdes"))


@cases.case("preferred, the callee's phone knows no SRTP: its leg is clear", peer="baresip",
            keying="preferred: sdes to none", transport="tls")
def preferred_clear_callee(on):
    talk(on, ("2000", "srtp-mand"), ("2001", "none"), ("sdes", "none"))


@cases.case("preferred, the callee's phone insists on RTP/SAVP: it refuses OSRTP, and gets that next",
            peer="baresip", keying="preferred: 488, then sdes", transport="tls")
def preferred_insisting_callee(on):
    mark = on.server.log.mark()
    talk(on, ("2000", "srtp"), ("2001", "srtp-mand"), ("sdes", "sdes"))
    _, line = on.server.log.wait_line(r"offer_refused .*", mark)
    assert "user=2001" in line[0] and "shape=osrtp next=savp" in line[0], line[0]
    mark = on.server.log.mark()
    talk(on, ("2000", "srtp"), ("2001", "srtp-mand"), ("sdes", "sdes"))  # and that is remembered
    assert "offer_refused" not in on.server.log.text(mark)


@cases.case("required, the callee's phone has DTLS-SRTP alone and answers SDES all the same: the next call "
            "offers it DTLS-SRTP", peer="baresip", keying="required: dtls from the second call on",
            transport="tls")
def required_dtls_callee(on):
    refused(on, ("1000", "srtp-mand"), ("1001", "dtls_srtp"), "no usable keys")
    talk(on, ("1000", "srtp-mand"), ("1001", "dtls_srtp"), ("sdes", "dtls"))


@cases.case("baresip takes AEAD_AES_128_GCM, once it is said to have it and to want one line (it likes its own "
            "first suite better, whatever the offer's order)", peer="baresip",
            keying="required: sdes, GCM", transport="tls")
def gcm(on):
    on.server.cli("quirk", "set", "baresip v1", "--digest", "md5-only", "--gcm", "--crypto-lines", "1")
    with on.baresip("1000", hz=CALLER_HZ, keying="srtp-mand") as a, \
            on.baresip("1001", hz=CALLEE_HZ, keying="srtp-mand") as b:
        a.call("1001")
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        suites = {leg["role"]: leg["media"]["suite"] for leg in on.server.answered()["legs"]}
        assert suites == {"caller": "AES_CM_128_HMAC_SHA1_80", "callee": "AEAD_AES_128_GCM"}, suites
        a.hang_up()
        on.server.wait_no_call()
    on.server.cli("quirk", "del", "baresip v1")


cases.main()
