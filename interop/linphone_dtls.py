#!/usr/bin/python3
"""Linphone keys by DTLS-SRTP (mbedTLS), over TCP: to what is built in, called and calling a baresip with
SDES and one with DTLS. A tone each way, proven in the recordings; nothing in clear on the wire."""
import contextlib

from lib import capture, space, stage, waits
from lib.cases import Cases
from lib.linphone import Linphone

space.enter("linphonec", "baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
ANY = {"transport": "udp,tcp,tls"}
USERS = {"1000": ANY, "1001": ANY, "2000": {**ANY, "keying": "dtls"}, "2001": {**ANY, "keying": "dtls"}}
cases = Cases(__file__, stage.opener(USERS, listen=("tls", "tcp")))


def linphone(on, user, hz, **how):
    return Linphone(on.folder, on.server, user, hz=hz, **how)


def check_shown(on, *keyings):
    def settled():
        call = on.server.answered(len(keyings))
        return call if all(leg["rx"]["packets"] and leg["media"]["suite"] for leg in call["legs"]) else None
    call = waits.until("media in each leg", settled)
    for leg, keying in zip(call["legs"], keyings):
        assert leg["media"]["keying"] == keying, leg
        assert leg["rx"]["auth_failures"] == 0, leg


def talk(on, name, caller, callee, target, keyings, ice=False):
    """callee None: what is built in. ice: the caller has it."""
    phones = [(caller, CALLEE_HZ), (callee, CALLER_HZ)] if callee else [(caller, CALLER_HZ)]
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(on.capture(name))
        for phone, _ in reversed(phones):
            stack.enter_context(phone)
        caller.call(target)
        check_shown(on, *keyings)
        # A recording of Linphone's can be read only when it has ended.
        waits.until("two seconds of media from each", lambda: all(
            leg["rx"]["packets"] > 100 for leg in on.server.answered(len(keyings))["legs"]))
        caller_leg = on.server.answered(len(keyings))["legs"][0]
        assert caller_leg["media"].get("ice") == ("connected" if ice else None), caller_leg
        for phone, hz in phones:
            if not isinstance(phone, Linphone):
                phone.wait_tone(hz)
        caller.hang_up()
        on.server.wait_no_call()
    for phone, hz in phones:
        if isinstance(phone, Linphone):
            phone.wait_tone(hz)
    assert wire.rtp(), "nothing was captured"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not capture.repeats(wire.rtp())


@cases.case("echo gives back what is said", peer="linphone", keying="dtls: echo", transport="tcp")
def echo(on):
    talk(on, "echo", linphone(on, "1000", CALLER_HZ), None, "echo", ("dtls",))


@cases.case("echo, by SDES", peer="linphone", keying="sdes: echo", transport="tcp")
def echo_sdes(on):
    talk(on, "echo-sdes", linphone(on, "1000", CALLER_HZ, keying="srtp"), None, "echo", ("sdes",))


@cases.case("two of them talk", peer="linphone", keying="dtls", transport="tcp")
def dtls_to_dtls(on):
    talk(on, "dtls-dtls", linphone(on, "2000", CALLER_HZ), linphone(on, "2001", CALLEE_HZ), "2001",
         ("dtls", "dtls"))


@cases.case("it calls a baresip with SDES", peer="linphone", keying="dtls to sdes (baresip)",
            transport="tcp")
def to_sdes(on):
    talk(on, "to-sdes", linphone(on, "1000", CALLER_HZ), on.baresip("1001", hz=CALLEE_HZ), "1001",
         ("dtls", "sdes"))


@cases.case("a baresip with SDES calls it", peer="linphone", keying="sdes (baresip) to dtls",
            transport="tcp")
def from_sdes(on):
    talk(on, "from-sdes", on.baresip("1000", hz=CALLER_HZ), linphone(on, "2001", CALLEE_HZ), "2001",
         ("sdes", "dtls"))


@cases.case("a baresip with DTLS calls it", peer="linphone", keying="dtls (baresip) to dtls",
            transport="tcp")
def from_dtls(on):
    talk(on, "from-dtls", on.baresip("2000", hz=CALLER_HZ, keying="dtls_srtp"),
         linphone(on, "2001", CALLEE_HZ), "2001", ("dtls", "dtls"))


@cases.case("echo with ICE", peer="linphone", keying="dtls: ICE, echo", transport="tcp")
def ice_dtls(on):
    talk(on, "ice-dtls", linphone(on, "1000", CALLER_HZ, ice=True), None, "echo", ("dtls",), ice=True)


@cases.case("echo with ICE, by SDES", peer="linphone", keying="sdes: ICE, echo", transport="tcp")
def ice_sdes(on):
    talk(on, "ice-sdes", linphone(on, "1000", CALLER_HZ, keying="srtp", ice=True), None, "echo",
         ("sdes",), ice=True)


cases.main()
