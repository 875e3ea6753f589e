#!/usr/bin/python3
"""Two baresips talk through the server over each transport and keying: a tone each way, proven in the
recordings; what `sotto show calls` says; nothing in clear on the wire; hold, resume, hang-up."""
import time

from lib import capture, space, srtp, stage, tone, waits
from lib.cases import Cases

space.enter("baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
ANY = {"transport": "udp,tcp,tls"}
USERS = {"1000": {}, "1001": {},
         "2000": ANY, "2001": ANY,
         "3000": {**ANY, "protection": "off"}, "3001": {**ANY, "protection": "off"}}
cases = Cases(__file__, stage.opener(USERS, listen=("tls", "tcp", "udp")))


def pair(on, caller, callee, **how):
    return (on.baresip(caller, hz=CALLER_HZ, **how), on.baresip(callee, hz=CALLEE_HZ, **how))


def check_leg(leg, *, keying, transport):
    media, signalling = leg["media"], leg["signalling"]
    assert media["keying"] == keying, leg
    assert (media["suite"] == "AES_CM_128_HMAC_SHA1_80") == (keying == "sdes"), leg
    assert signalling["transport"] == transport, leg
    if transport == "tls":
        assert signalling["version"] in ("TLSv1.2", "TLSv1.3") and signalling["cipher"], leg
    else:
        assert signalling["version"] is None, leg
    assert leg["codec"] in ("PCMU", "PCMA"), leg
    assert leg["rx"]["packets"] > 0 and leg["tx"]["packets"] > 0, leg
    assert leg["rx"]["auth_failures"] == 0, leg
    # baresip pings in clear RTCP before it has keys, and media comes before the answer that has them.
    assert leg["rx"]["clear_dropped"] < 10, leg


def check_shown(on, keying, transport):
    def settled():
        call = on.server.answered()
        return call if all(leg["codec"] and leg["rx"]["packets"] for leg in call["legs"]) else None
    call = waits.until("packets in both legs of `sotto show calls`", settled)
    for leg in call["legs"]:
        check_leg(leg, keying=keying, transport=transport)
    assert sorted(leg["role"] for leg in call["legs"]) == ["callee", "caller"], call


def talk(on, users, keying, transport, menc, ender="caller"):
    """A whole call with both tones; gives what was captured."""
    records = len(on.server.cdrs())
    with on.capture(f"{menc}-{transport}-{ender}") as wire:
        a, b = pair(on, *users, transport=transport, keying=menc)
        with a, b:
            a.call(users[1])
            a.wait_tone(CALLEE_HZ)
            b.wait_tone(CALLER_HZ)
            check_shown(on, keying, transport)
            (a if ender == "caller" else b).hang_up()
            a.wait_closed()
            b.wait_closed()
            on.server.wait_no_call()
    record = on.server.wait_cdr(records + 1)
    assert record["status"] == 200 and record["answered"], record
    assert {leg["media"]["keying"] for leg in record["legs"]} == {keying}, record
    wire.check_whole()
    packets = wire.rtp()
    assert len(capture.flows(packets)) >= 4, "the capture does not hold the call's four flows"
    return packets


def protected(on, users, transport, menc, ender="caller"):
    packets = talk(on, users, "sdes", transport, menc, ender)
    told = capture.clear_flows(packets, CALLER_HZ, CALLEE_HZ)
    assert not told, f"in clear: {told}"
    assert not capture.repeats(packets), capture.repeats(packets)[:5]


@cases.case("a call both of whose legs must be SRTP", peer="baresip", keying="sdes", transport="tls")
def mandatory_over_tls(on):
    protected(on, ("1000", "1001"), "tls", "srtp-mand")


@cases.case("SRTP offered as RTP/AVP with a=crypto; the callee hangs up", peer="baresip",
            keying="sdes, optional", transport="tls")
def optional_over_tls(on):
    protected(on, ("1000", "1001"), "tls", "srtp", ender="callee")


@cases.case("SRTP over TCP", peer="baresip", keying="sdes", transport="tcp")
def mandatory_over_tcp(on):
    protected(on, ("2000", "2001"), "tcp", "srtp-mand")


@cases.case("SRTP over UDP", peer="baresip", keying="sdes", transport="udp")
def mandatory_over_udp(on):
    protected(on, ("2000", "2001"), "udp", "srtp-mand", ender="callee")


@cases.case("clear media where both users' policy says off; the capture's check finds the tones",
            peer="baresip", keying="none", transport="tls")
def clear_over_tls(on):
    packets = talk(on, ("3000", "3001"), "none", "tls", "none")
    told = "\n".join(capture.clear_flows(packets, CALLER_HZ, CALLEE_HZ))
    assert told.count(f" {CALLER_HZ} Hz") == 2 and told.count(f" {CALLEE_HZ} Hz") == 2, told


@cases.case("clear media over UDP", peer="baresip", keying="none", transport="udp")
def clear_over_udp(on):
    talk(on, ("3000", "3001"), "none", "udp", "none")


def check_sent(phone, packets, hz, seconds):
    """What the server sends to a phone is authentic under a key of its SDP, and is the tone."""
    opened, shut = srtp.open_all(phone.sent_to(packets), srtp.keys_in(phone.log.text()))
    assert not shut, f"{shut} packets to {phone.user} are not authentic"
    samples = srtp.speech(opened)
    assert tone.seconds_of(samples, 8000, hz) >= seconds, tone.describe(samples, 8000, hz)


def hold_and_resume(on, holder_is_caller):
    with on.capture(f"hold-{holder_is_caller}") as wire:
        a, b = pair(on, "1000", "1001")
        with a, b:
            a.call("1001")
            a.wait_tone(CALLEE_HZ)
            b.wait_tone(CALLER_HZ)
            holder, held = (a, b) if holder_is_caller else (b, a)
            log = held.log.mark()
            holder.command("hold")
            held.log.wait_line("^a=sendonly", log)
            log = held.log.mark()
            holder.command("resume")
            held.log.wait_line("^a=sendrecv", log)
            resumed = time.time()
            waits.until("a second and a half of media",
                        lambda: all(len([p for p in phone.sent_to(wire.rtp())
                                         if p.time > resumed]) >= 75 for phone in (a, b)))
            check_shown(on, "sdes", "tls")
            a.hang_up()
            b.wait_closed()
            on.server.wait_no_call()
    later = [p for p in wire.rtp() if p.time > resumed]
    check_sent(a, later, CALLEE_HZ, 1)
    check_sent(b, later, CALLER_HZ, 1)
    assert not capture.repeats(wire.rtp()), capture.repeats(wire.rtp())[:5]


@cases.case("the caller holds and resumes; tones go on", peer="baresip", keying="sdes: hold",
            transport="tls")
def hold_by_caller(on):
    hold_and_resume(on, True)


@cases.case("the callee holds and resumes; tones go on")
def hold_by_callee(on):
    hold_and_resume(on, False)


cases.main()
