#!/usr/bin/python3
"""Janus's SIP plugin over UDP, with Chromium as its microphone and ear: calls what is built in and
`sotto phone` with SDES and with DTLS, is called, and is hung up by either side. A tone each way; every
packet between the gateway and the server is authentic under the keys of their SDP, none is in clear."""
from contextlib import contextmanager

from lib import browser, capture, stage, srtp, tone, waits
from lib.cases import Cases
from lib.janus import Janus, Phone

browser.enter("janus", "tcpdump")

JANUS_HZ, PHONE_HZ = 440, 1000
SIP_PORT = 5060
PACKETS = 50  # of a leg and a direction: a second
MANDATORY, OPTIONAL = "sdes_mandatory", "sdes_optional"
UDP = {"transport": "udp"}
USERS = {"1000": UDP, "1001": {}, "2000": {**UDP, "protection": "preferred"},
         "3000": {**UDP, "protection": "off"}}
cases = Cases(__file__, stage.opener(USERS, listen=("tls", "udp")))


@contextmanager
def gateway(on, name, user="1000", **how):
    """A gateway with one phone; what it sent and got is looked at in the end."""
    with on.capture(name) as wire, Janus(on.folder) as janus:
        with Phone(on, janus, user, hz=JANUS_HZ, **how) as phone:
            yield phone
        on.server.wait_no_call()
    if how.get("srtp", MANDATORY):
        check_wire(wire, janus)


def check_wire(wire, janus):
    """Their SIP is in clear, over UDP: so it gives the keys."""
    wire.check_whole()
    said = b"\n".join(d.data for d in wire.datagrams() if SIP_PORT in (d.sport, d.dport))
    keys = srtp.keys_in(said.decode(errors="replace"))
    packets = janus.between(wire.rtp())
    ways = {p.sport in janus.rtp_ports for p in packets}
    assert len(keys) >= 2 and len(ways) == 2, f"{len(keys)} keys, {len(packets)} packets, {ways}"
    opened, shut = srtp.open_all(packets, keys)
    assert shut == 0, f"{shut} of {len(packets)} packets are not authentic SRTP"
    assert len(opened) >= 2 * PACKETS, len(opened)
    clear = capture.clear_flows(wire.rtp(), JANUS_HZ, PHONE_HZ)
    assert not clear, clear
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
    assert abs(result["audio"]["tone_hz"] - hz) < 10, result
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


@cases.case("sdes_mandatory: echo gives back what is said", peer="Janus (SIP plugin)",
            keying="sdes: echo", transport="udp")
def echo_mandatory(on):
    check_janus(echo(on, "echo-mandatory"))


@cases.case("sdes_optional: likewise", peer="Janus (SIP plugin)", keying="sdes, optional: echo",
            transport="udp")
def echo_optional(on):
    check_janus(echo(on, "echo-optional", srtp=OPTIONAL))


@cases.case("with all codecs of the browser: Opus", peer="Janus (SIP plugin)",
            keying="sdes: echo, Opus", transport="udp")
def echo_opus(on):
    leg = echo(on, "echo-opus", codec="")
    assert leg["codec"] == "OPUS", leg


cases.main()
