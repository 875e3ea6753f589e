#!/usr/bin/python3
"""linphonec (bzrtp) keys by ZRTP: to what is built in, to another of its kind, to baresip with SDES. The SAS
that it shows is the one that the server shows for its leg; a tone each way; nothing in clear on the wire;
secrets are kept from call to call."""
from lib import capture, space, stage, waits
from lib.cases import Cases

space.enter("linphonec", "baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
ZRTP = {"keying": "zrtp"}
PASS = {"media": "pass", "keying": "zrtp"}
USERS = {"1000": {}, "1001": {}, "2000": ZRTP, "2001": ZRTP, "3000": PASS, "3001": PASS}
cases = Cases(__file__, stage.opener(USERS, listen=("tls", "udp")))


def linphone(on, user, transport="tls", **how):
    return on.linphone(user, keying="zrtp", transport=transport, **how)


def hears(phone, hz):
    (phone.wait_hears if hasattr(phone, "wait_hears") else phone.wait_tone)(hz)


def shown(on, *keyings):
    def settled():
        call = on.server.answered(len(keyings))
        return call if all(leg["rx"]["packets"] and leg["media"]["suite"]
                           for leg in call["legs"]) else None
    call = waits.until("media in each leg", settled)
    for leg, keying in zip(call["legs"], keyings):
        assert leg["media"]["keying"] == keying, leg
        assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["clear_dropped"] == 0, leg
    return [leg["media"] for leg in call["legs"]]


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    clear = capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not clear, clear
    assert not capture.repeats(wire.rtp())


def to_echo(on, phone):
    phone.call("echo")
    hears(phone, CALLER_HZ)
    media, = shown(on, "zrtp")
    assert media["sas"] == phone.sas(), media
    phone.hang_up()
    on.server.wait_no_call()
    return media


@cases.case("echo gives back what is said; one SAS", peer="linphone", keying="zrtp: echo",
            transport="tls")
def echo(on):
    with on.capture("echo") as wire, linphone(on, "1000", hz=CALLER_HZ) as a:
        to_echo(on, a)
    check_wire(wire)


@cases.case("the second call finds the secret of the first", peer="linphone",
            keying="zrtp: retained secrets", transport="udp")
def retained(on):
    with linphone(on, "2000", hz=CALLER_HZ, transport="udp") as a:
        to_echo(on, a)
        a.forget()
        media = to_echo(on, a)
    assert not media["cache_mismatch"], media


SUITES = {
    "DH3k, AES-256, B256": ("DH3k", "zrtp_key_agreements_suites=MS_ZRTP_KEY_AGREEMENT_DH3K\n"
                            "zrtp_cipher_suites=MS_ZRTP_CIPHER_AES3\n"
                            "zrtp_sas_suites=MS_ZRTP_SAS_B256"),
    "X255, AES-128, B32": ("X255", "zrtp_key_agreements_suites=MS_ZRTP_KEY_AGREEMENT_X255\n"
                           "zrtp_cipher_suites=MS_ZRTP_CIPHER_AES1\n"
                           "zrtp_sas_suites=MS_ZRTP_SAS_B32"),
}


@cases.case("other algorithms", peer="linphone", keying="zrtp: DH3k and X255, B32 and B256",
            transport="tls")
def algorithms(on):
    for name, (agreement, lines) in SUITES.items():
        with linphone(on, "2000", hz=CALLER_HZ, zrtp=lines) as a:
            media = to_echo(on, a)
        assert media["key_agreement"] == agreement, (name, media)
        assert (":" in media["sas"]) == ("B256" in name), (name, media)


def talk(on, a, b, callee, *keyings):
    with on.capture("-".join(keyings)) as wire, a, b:
        a.call(callee)
        hears(a, CALLEE_HZ)
        hears(b, CALLER_HZ)
        media = shown(on, *keyings)
        for phone, leg in zip((a, b), media):
            if leg["keying"] == "zrtp":
                assert phone.sas() == leg["sas"], leg
        a.hang_up()
        on.server.wait_no_call()
    check_wire(wire)


@cases.case("two of them talk", peer="linphone", keying="zrtp", transport="tls")
def zrtp_to_zrtp(on):
    talk(on, linphone(on, "2000", hz=CALLER_HZ), linphone(on, "2001", hz=CALLEE_HZ), "2001",
         "zrtp", "zrtp")


@cases.case("two of them agree through an untouched relay: one SAS, end to end", peer="linphone",
            keying="zrtp: pass", transport="tls")
def passed(on):
    a, b = linphone(on, "3000", hz=CALLER_HZ), linphone(on, "3001", hz=CALLEE_HZ)
    with on.capture("pass") as wire, a, b:
        a.call("3001")
        hears(a, CALLEE_HZ)
        hears(b, CALLER_HZ)
        call = waits.until("the phones' agreement", lambda: (lambda c: all(
            leg["media"]["end_to_end"] for leg in c["legs"]) and c)(on.server.answered(2)))
        assert a.sas() == b.sas(), (a.sas(), b.sas())
        for leg in call["legs"]:
            media = leg["media"]
            assert (media["keying"], media["path"], media["passes"]) == ("pass", "pass", "zrtp"), leg
            assert media["sas"] is None and leg["rx"]["auth_failures"] == 0, leg
        assert "From end to end" in on.server.cli("explain", call["id"])
        a.hang_up()
        on.server.wait_no_call()
    check_wire(wire)


@cases.case("ZRTP calls baresip with SDES", peer="linphone", keying="zrtp to sdes", transport="tls")
def zrtp_to_sdes(on):
    talk(on, linphone(on, "2000", hz=CALLER_HZ), on.baresip("1001", hz=CALLEE_HZ), "1001",
         "zrtp", "sdes")


@cases.case("baresip with SDES calls ZRTP", peer="linphone", keying="sdes to zrtp", transport="tls")
def sdes_to_zrtp(on):
    talk(on, on.baresip("1000", hz=CALLER_HZ), linphone(on, "2001", hz=CALLEE_HZ), "2001",
         "sdes", "zrtp")


cases.main()
