#!/usr/bin/python3
"""Chromium with JsSIP over WSS: calls what is built in and another Chromium, is called, holds and
resumes, is refused. Its own figures and the server's say with which keys; nothing is in clear."""
from lib import browser, capture, stage, waits
from lib.cases import Cases

browser.enter("tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
BUILT_IN_TONE = 1004
cases = Cases(__file__, stage.opener({"1000": {}, "1001": {}, "1002": {}}))


@cases.case("registers over WSS", peer="Chromium, JsSIP", keying="registers", transport="wss")
def registers(on):
    with on.browser("1000"):
        shown, = on.server.show("registrations")
        assert shown["transport"] == "wss" and shown["user"].startswith("1000@"), shown


def check_own(phone):
    """What the browser itself says of its leg."""
    stats = phone.stats()
    transport = stats["transport"]
    assert stats["state"] == "connected" and transport["dtlsState"] == "connected", stats
    assert transport["srtpCipher"].startswith("SRTP_"), stats
    assert transport["tlsVersion"] in ("FEFD", "FEFC"), stats
    assert stats["pair"]["nominated"], stats
    return stats


def check_leg(leg, stats):
    """What the server says of the same leg."""
    media, signalling = leg["media"], leg["signalling"]
    assert media["keying"] == "dtls" and media["suite"], leg
    assert signalling["transport"] == "wss" and signalling["version"].startswith("TLSv1."), leg
    assert leg["rx"]["packets"] > 0 and leg["tx"]["packets"] > 0, leg
    assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["clear_dropped"] == 0, leg
    same = media["suite"].replace("_", "").replace("CM", "")
    own = stats["transport"]["srtpCipher"].removeprefix("SRTP_").replace("_", "").replace("CM", "")
    assert same == own, f"{media['suite']}: but the browser says {stats['transport']['srtpCipher']}"


def check_wire(wire, *tones):
    wire.check_whole()
    packets = wire.rtp()
    assert capture.flows(packets), "the capture holds no media"
    assert not capture.clear_flows(packets, *tones), capture.clear_flows(packets, *tones)
    assert not capture.repeats(packets), capture.repeats(packets)[:5]


@cases.case("echo gives back what is said", peer="Chromium, JsSIP", keying="dtls: echo", transport="wss")
def echo(on):
    with on.capture("echo") as wire, on.browser("1000", hz=CALLER_HZ) as a:
        a.call("echo")
        a.wait_tone(CALLER_HZ)
        stats = check_own(a)
        leg, = on.server.answered(legs=1)["legs"]
        check_leg(leg, stats)
        a.hang_up()
        on.server.wait_no_call()
    check_wire(wire, CALLER_HZ)


@cases.case("tone is 1004 Hz", peer="Chromium, JsSIP", keying="dtls: tone", transport="wss")
def built_in_tone(on):
    with on.browser("1000") as a:
        a.call("tone")
        a.wait_tone(BUILT_IN_TONE)
        assert a.run(f"rig.heard({CALLER_HZ})")["seconds"] == 0, "the tone echoes"
        a.hang_up()
        on.server.wait_no_call()


@cases.case("two of them; the caller holds and resumes; the callee hangs up", peer="Chromium, JsSIP",
            keying="dtls: hold", transport="wss")
def pair(on):
    with on.capture("pair") as wire, on.browser("1000", hz=CALLER_HZ) as a, \
            on.browser("1001", hz=CALLEE_HZ) as b:
        a.call("1001")
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        for phone in (a, b):
            check_own(phone)
        for leg in on.server.answered()["legs"]:
            check_leg(leg, (a if leg["role"] == "caller" else b).stats())
        for phone, other, hz in ((a, b, CALLER_HZ), (b, a, CALLEE_HZ)):
            mark = other.mark()
            phone.run("rig.hold()")
            other.wait("HOLD remote", mark)
            phone.run("rig.unhold()")
            other.wait("UNHOLD remote", mark)
            other.wait_tone(hz, since=other.sound_mark())
        mark = a.mark()
        b.hang_up()
        a.wait_ended(mark)
        on.server.wait_no_call()
    check_wire(wire, CALLER_HZ, CALLEE_HZ)


@cases.case("the callee declines: 486 reaches the browser")
def declined(on):
    with on.browser("1000") as a, on.browser("1001", answer=False) as b:
        mark = a.dial("1001")
        b.wait("INCOMING")
        b.run("rig.end(486)")
        assert " 486 " in a.wait("FAILED", mark)
        on.server.wait_no_call()


@cases.case("the browser gives up while it rings")
def cancelled(on):
    with on.browser("1000") as a, on.browser("1001", answer=False) as b:
        a.dial("1001")
        b.wait("INCOMING")
        a.wait("PROGRESS")
        a.hang_up()
        assert "Canceled" in b.wait("FAILED")
        on.server.wait_no_call()


@cases.case("a number that nobody has: 404; one whose phone is away: 480")
def unreached(on):
    with on.browser("1000") as a:
        for number, status in (("4711", 404), ("1002", 480)):
            assert f" {status} " in a.wait("FAILED", a.dial(number))
        waits.until("no call", lambda: not on.server.calls())


cases.main()
