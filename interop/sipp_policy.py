#!/usr/bin/python3
"""SIPp, which knows no SRTP, against users whose policy is `required`: refused with 488, and clear RTP
sent all the same to the ports of a protected call goes nowhere."""
import socket
import struct

from lib import space, stage, waits
from lib.cases import Cases

space.enter("sipp", "baresip", "tcpdump")

ANY = {"transport": "udp,tcp,tls"}
USERS = {"1000": {**ANY, "protection": "required"}, "1001": ANY,
         "3000": {**ANY, "protection": "off"}}
cases = Cases(__file__, stage.opener(USERS, listen=("tls", "tcp", "udp")))
INJECTED = b"\xd5" * 160
INJECTED_COUNT = 50


def refused(on, transport):
    records = len(on.server.cdrs())
    with on.sipp("uac_488", user="1000", target="echo", transport=transport) as caller:
        caller.finish()
    record = on.server.wait_cdr(records + 1)
    assert record["status"] == 488 and "encr" in record["reason"], record


@cases.case("clear media of a user who must be protected: 488 over UDP", peer="SIPp",
            keying="none to required: 488", transport="udp")
def refused_udp(on):
    refused(on, "udp")


@cases.case("the same over TCP", peer="SIPp", keying="none to required: 488", transport="tcp")
def refused_tcp(on):
    refused(on, "tcp")


@cases.case("a user who may come by TLS alone is refused over UDP")
def transport_not_allowed(on):
    on.server.add_user("1002", protection="off", transport="tls,wss")
    with on.sipp("register", user="1002") as phone:
        assert phone.process.wait(waits.PATIENCE) != 0, "it registered"
    assert not [r for r in on.server.show("registrations") if r["user"].startswith("1002@")]


def clear_rtp():
    for i in range(INJECTED_COUNT):
        yield struct.pack("!BBHII", 0x80, 8, i, 160 * i, 0x5eed5eed) + INJECTED


def forge(sport, dport):
    """The same packets as from the phone itself: UDP headers of our own making."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as s:
        s.bind((space.HOST, 0))
        for data in clear_rtp():
            s.sendto(struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data,
                     (space.HOST, 0))


@cases.case("clear RTP from a stranger or the phone's own address is dropped, the call goes on",
            peer="baresip", keying="sdes, clear RTP injected", transport="tls")
def injected(on):
    with on.capture("injected") as wire:
        a, b = on.baresip("1000", hz=440), on.baresip("1001", hz=1000)
        with a, b:
            a.call("1001")
            a.wait_tone(1000)
            b.wait_tone(440)
            caller, = [leg for leg in on.server.answered()["legs"] if leg["role"] == "caller"]
            before = caller["rx"]["clear_dropped"]
            stream = next(p for p in wire.rtp() if p.sport in a.rtp_ports)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind((space.HOST, 0))
                mine = s.getsockname()[1]
                for data in clear_rtp():
                    s.sendto(data, (space.HOST, stream.dport))
            forge(stream.sport, stream.dport)

            def counted():
                leg, = [x for x in on.server.answered()["legs"] if x["role"] == "caller"]
                return leg["rx"]["clear_dropped"] + leg["rx"]["auth_failures"] - before
            waits.until("the forged packets in the leg's counters",
                        lambda: counted() >= INJECTED_COUNT)
            heard = b.sizes()
            b.wait_tone(440, since=heard)
            a.hang_up()
            b.wait_closed()
            on.server.wait_no_call()
    ours = (mine, stream.sport)
    leaked = [p for p in wire.rtp() if p.payload == INJECTED and p.sport not in ours]
    assert not leaked, f"{len(leaked)} of the clear packets were passed on"
    lured = [p for p in wire.datagrams() if p.dport == mine]
    assert not lured, f"media went to the injector: {len(lured)} packets"


cases.main()
