#!/usr/bin/python3
"""baresip with its ice module, a full agent towards the server's lite one, and with RTCP on RTP's port:
by SDES and by DTLS, to what is built in and to one without ICE. A tone each way, proven in the recordings;
nothing in clear on the wire."""
from lib import capture, space, stage, waits
from lib.cases import Cases

space.enter("baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
USERS = {"1000": {}, "1001": {}, "2000": {"keying": "dtls"}, "2001": {"keying": "dtls"}}
SDES, DTLS = "srtp-mand", "dtls_srtp"
cases = Cases(__file__, stage.opener(USERS))


def check_shown(on, *legs):
    """legs: (keying, state of ICE) of each; the address is one that the phone told or proved."""
    def settled():
        call = on.server.answered(len(legs))
        return call if all(leg["rx"]["packets"] > 50 and leg["media"].get("ice") == ice
                           for leg, (_, ice) in zip(call["legs"], legs)) else None
    call = waits.until(f"media and ICE as in {legs}", settled)
    for leg, (keying, _) in zip(call["legs"], legs):
        assert leg["media"]["keying"] == keying and leg["media"]["suite"], leg
        assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["clear_dropped"] == 0, leg
    return call["legs"]


def check_wire(wire):
    wire.check_whole()
    assert wire.rtp(), "nothing was captured"
    clear = capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not clear, clear
    assert not capture.repeats(wire.rtp())


def check_one_port(wire, phone):
    """What it is sent, media and RTCP: all of it to one port."""
    ports = {d.dport for d in wire.datagrams()} & set(phone.rtp_ports)
    assert len(ports) == 1, ports


def echo(on, name, leg, **how):
    with on.capture(name) as wire, on.baresip("1000", hz=CALLER_HZ, **how) as a:
        a.call("echo")
        a.wait_tone(CALLER_HZ)
        check_shown(on, leg)
        a.hang_up()
        a.wait_closed()
        on.server.wait_no_call()
    check_wire(wire)
    if how.get("mux"):
        check_one_port(wire, a)


def talk(on, name, a, b, *legs):
    with on.capture(name) as wire, a, b:
        a.call(b.user)
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        check_shown(on, *legs)
        b.hang_up()
        a.wait_closed()
        on.server.wait_no_call()
    check_wire(wire)


@cases.case("echo, RTCP on RTP's port", peer="baresip", keying="sdes: rtcp-mux", transport="tls")
def mux_sdes(on):
    echo(on, "mux-sdes", ("sdes", None), mux=True)


@cases.case("echo, RTCP on RTP's port: one handshake", peer="baresip", keying="dtls: rtcp-mux",
            transport="tls")
def mux_dtls(on):
    echo(on, "mux-dtls", ("dtls", None), keying=DTLS, mux=True)


@cases.case("echo with ICE", peer="baresip", keying="sdes: ICE", transport="tls")
def ice_sdes(on):
    echo(on, "ice-sdes", ("sdes", "connected"), ice=True)


@cases.case("echo with ICE", peer="baresip", keying="dtls: ICE", transport="tls")
def ice_dtls(on):
    echo(on, "ice-dtls", ("dtls", "connected"), keying=DTLS, ice=True)


@cases.case("echo with ICE, RTCP on RTP's port", peer="baresip", keying="dtls: ICE, rtcp-mux",
            transport="tls")
def ice_mux(on):
    echo(on, "ice-mux", ("dtls", "connected"), keying=DTLS, ice=True, mux=True)


@cases.case("with ICE calls one without", peer="baresip", keying="sdes: ICE, calls", transport="tls")
def calls_plain(on):
    talk(on, "calls-plain", on.baresip("1000", hz=CALLER_HZ, ice=True),
         on.baresip("1001", hz=CALLEE_HZ), ("sdes", "connected"), ("sdes", None))


cases.main()
