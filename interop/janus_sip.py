#!/usr/bin/python3
"""Janus's SIP plugin over UDP, with Chromium as its microphone and ear: calls what is built in and
`sotto phone` with SDES and with DTLS, is called, and is hung up by either side. A tone each way; every
packet between the gateway and the server is authentic under the keys of their SDP, none is in clear."""
from contextlib import contextmanager

from lib import browser, capture, stage, srtp, waits
from lib.cases import Cases
from lib.janus import Janus, Phone

browser.enter("janus", "tcpdump")

JANUS_HZ, PHONE_HZ = 440, 1000
SIP_PORT = 5060
PACKETS = 50  # of a leg and a direction: a second
JANUS = "Janus's SIP plugin"
MANDATORY, OPTIONAL = "sdes_mandatory", "sdes_optional"
UDP = {"transport": "udp"}
USERS = {"1000": UDP, "1001": {}, "1002": {"keying": "dtls"}, "2000": {**UDP, "protection": "preferred"},
         "3000": {**UDP, "protection": "off"}}
OTHERS = ("AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM", "AEAD_AES_256_GCM")  # than the usual suite
cases = Cases(__file__, stage.opener(USERS, listen=("tls", "udp")))


@contextmanager
def gateway(on, name, user="1000", **how):
    """A gateway with one phone; what it sent and got is looked at in the end."""
    with on.capture(name) as wire, Janus(on.folder) as janus:
        with Phone(on, janus, user, hz=JANUS_HZ, **how) as phone:
            yield phone
        on.server.wait_no_call()
    if how.get("srtp", MANDATORY):
        check_clear(wire)
    if how.get("srtp", MANDATORY) and "GCM" not in how.get("profile", ""):
        check_authentic(wire, janus)


def check_clear(wire):
    wire.check_whole()
    clear = capture.clear_flows(wire.rtp(), JANUS_HZ, PHONE_HZ)
    assert not clear, clear


def check_authentic(wire, janus):
    """Their SIP is in clear, over UDP: so it gives the keys, of those suites that srtp.py knows."""
    said = b"\n".join(d.data for d in wire.datagrams() if SIP_PORT in (d.sport, d.dport))
    keys = srtp.keys_in(said.decode(errors="replace"))
    packets = janus.between(wire.rtp())
    ways = {p.sport in janus.rtp_ports for p in packets}
    assert len(keys) >= 2 and len(ways) == 2, f"{len(keys)} keys, {len(packets)} packets, {ways}"
    opened, shut = srtp.open_all(packets, keys)
    assert shut == 0, f"{shut} of {len(packets)} packets are not authentic SRTP"
    assert len(opened) >= 2 * PACKETS, len(opened)
    assert not capture.repeats(packets), capture.repeats(packets)[:5]


def check_legs(on, *keyings):
    """What the server says of the call, once a second of media has passed each leg."""
    def settled():
        legs = on.server.answered(len(keyings))["legs"]
        return legs if all(leg[way]["packets"] > PACKETS for leg in legs for way in ("rx", "tx")) else None
    legs = waits.until("media in each leg", settled)
    for leg, keying in zip(legs, keyings):
        assert leg["media"]["keying"] == keying, leg
        assert bool(leg["media"].get("suite")) == (keying != "none"), leg
        assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["clear_dropped"] == 0, leg
    return legs


def check_janus(leg, user="1000"):
    assert leg["user"].startswith(f"{user}@") and leg["signalling"]["transport"] == "udp", leg
    assert leg["media"]["suite"] == "AES_CM_128_HMAC_SHA1_80", leg


def check_heard(phone, hz):
    """What `sotto phone` or `sotto call` tells in the end."""
    status, result = phone.finish()
    assert status == 0 and result["result"] == "answered", result
    assert abs((result["audio"]["tone_hz"] or 0) - hz) < 10, result
    assert result["rx"]["auth_failures"] == 0 and result["rx"]["clear_dropped"] == 0, result


def echo(on, name, keying="sdes", **how):
    with gateway(on, name, **how) as a:
        a.call("echo")
        a.wait_tone(JANUS_HZ)
        leg, = check_legs(on, keying)
        mark = a.hang_up()
        a.wait_ended(mark)
        on.server.wait_no_call()
    return leg


@cases.case("sdes_mandatory: echo gives back what is said", peer=JANUS,
            keying="sdes: echo", transport="udp")
def echo_mandatory(on):
    check_janus(echo(on, "echo-mandatory"))


@cases.case("sdes_optional: likewise", peer=JANUS, keying="sdes, optional: echo",
            transport="udp")
def echo_optional(on):
    check_janus(echo(on, "echo-optional", srtp=OPTIONAL))


@cases.case("with all codecs of the browser: Opus", peer=JANUS,
            keying="sdes: echo, Opus", transport="udp")
def echo_opus(on):
    leg = echo(on, "echo-opus", codec="")
    assert leg["codec"] == "OPUS", leg


@cases.case("each other suite that it knows", peer=JANUS, keying="sdes: every other suite", transport="udp")
def profiles(on):
    for suite in OTHERS:
        leg = echo(on, suite, profile=suite)
        assert leg["media"]["suite"] == suite, leg


def desk(on, keying):
    """`sotto phone`, which answers. Its user is called with this keying."""
    user = {"sdes": "1001", "dtls": "1002"}[keying]
    return on.phone(user, "--keying", keying, "--answer", "--play", f"tone:{PHONE_HZ}")


def calls_phone(on, keying, **how):
    """Janus calls, Janus hangs up."""
    with desk(on, keying) as b:
        b.wait("registered")
        with gateway(on, f"calls-{keying}", **how) as a:
            a.call(b.user)
            a.wait_tone(PHONE_HZ)
            legs = check_legs(on, "sdes", keying)
            check_janus(legs[0])
            a.wait_ended(a.hang_up())
            ended = b.wait("ended")
            assert abs(ended["audio"]["tone_hz"] - JANUS_HZ) < 10, ended
            assert ended["rx"]["auth_failures"] == 0, ended


@cases.case("calls a phone with SDES, and hangs up", peer=JANUS, keying="sdes",
            transport="udp")
def calls_sdes(on):
    calls_phone(on, "sdes")


@cases.case("calls a phone with DTLS, and hangs up", peer=JANUS,
            keying="sdes to dtls", transport="udp")
def calls_dtls(on):
    calls_phone(on, "dtls", srtp=OPTIONAL)


@cases.case("the phone that it called hangs up", peer=JANUS,
            keying="sdes: the callee ends", transport="udp")
def callee_ends(on):
    with desk(on, "sdes") as b, gateway(on, "callee-ends") as a:
        b.wait("registered")
        mark = a.call("1001")
        a.wait_tone(PHONE_HZ)
        check_legs(on, "sdes", "sdes")
        status, last = b.stop()
        assert status == 0, last
        assert " 200 " in a.wait_ended(mark)


def called(on, keying, *, seconds, **how):
    """Janus is called; the phone hangs up when its seconds are over, if Janus does not before."""
    with gateway(on, f"called-{keying}-{seconds}", **how) as a, \
            on.phone("1001", "--keying", keying, "--play", f"tone:{PHONE_HZ}", "--seconds", seconds,
                     call="1000") as b:
        assert "sip:1001@" in a.wait("INCOMINGCALL")
        a.wait("ACCEPTED")
        a.wait_tone(PHONE_HZ)
        legs = check_legs(on, keying, "sdes")
        check_janus(legs[1])
        if seconds > waits.PATIENCE:
            a.wait_ended(a.hang_up())
        else:
            a.wait_ended()
        check_heard(b, JANUS_HZ)


@cases.case("is called from a phone with SDES, which hangs up", peer=JANUS,
            keying="sdes: called", transport="udp")
def called_sdes(on):
    called(on, "sdes", seconds=10)


@cases.case("is called from a phone with DTLS, and hangs up", peer=JANUS,
            keying="dtls to sdes", transport="udp")
def called_dtls(on):
    called(on, "dtls", seconds=60)


@cases.case("is called, answers sdes_optional", peer=JANUS,
            keying="sdes, optional: called", transport="udp")
def called_optional(on):
    called(on, "sdes", seconds=10, srtp=OPTIONAL)


@cases.case("the phone that called it holds and resumes", peer=JANUS,
            keying="sdes: held", transport="udp")
def held(on):
    with gateway(on, "held") as a, \
            on.phone("1001", "--keying", "sdes", "--play", f"tone:{PHONE_HZ}", "--hold-after", 3,
                     "--seconds", 30, "--events", call="1000") as b:
        a.wait_tone(PHONE_HZ)
        b.wait("renewed")
        b.wait("renewed", b.out.mark())
        a.wait_tone(PHONE_HZ, since=a.sound_mark())
        check_legs(on, "sdes", "sdes")
        a.wait_ended(a.hang_up())
        check_heard(b, JANUS_HZ)


@cases.case("it holds and resumes", peer=JANUS, keying="sdes: hold", transport="udp")
def holds(on):
    with desk(on, "sdes") as b, gateway(on, "holds") as a:
        b.wait("registered")
        a.call("1001")
        a.wait_tone(PHONE_HZ)
        a.run("janus.request('hold')")
        a.wait_silence()
        a.run("janus.request('unhold')")
        a.wait_tone(PHONE_HZ, since=a.sound_mark())
        check_legs(on, "sdes", "sdes")
        a.wait_ended(a.hang_up())
        assert abs(b.wait("ended")["audio"]["tone_hz"] - JANUS_HZ) < 10


@cases.case("declines: 486 reaches the caller")
def declined(on):
    with on.capture("declined"), Janus(on.folder) as janus, \
            Phone(on, janus, "1000", answer=False) as a, \
            on.phone("1001", "--keying", "sdes", call="1000") as b:
        a.wait("INCOMINGCALL")
        a.run("janus.request('decline', {code: 486})")
        status, result = b.finish()
        assert status == 1 and result["status"] == 486, result
        on.server.wait_no_call()


@cases.case("without SRTP a user of whom encryption is required is refused",
            peer=JANUS, keying="none to required: 488", transport="udp")
def clear_refused(on):
    with Janus(on.folder) as janus, Phone(on, janus, "1000", srtp="") as a:
        assert " 488" in a.wait_ended(a.dial("echo"))
        on.server.wait_no_call()


@cases.case("without SRTP, where its user may", peer=JANUS,
            keying="preferred: none", transport="udp")
def clear_preferred(on):
    echo(on, "clear-preferred", "none", user="2000", srtp="")


@cases.case("sdes_mandatory towards a user whose calls are clear: 488", peer=JANUS,
            keying="sdes to off: 488", transport="udp")
def mandatory_off(on):
    with Janus(on.folder) as janus, Phone(on, janus, "3000") as a:
        assert " 488" in a.wait_ended(a.dial("echo"))
        on.server.wait_no_call()


cases.main()
