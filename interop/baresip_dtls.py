#!/usr/bin/python3
"""baresip keys by DTLS-SRTP (1.0.0: fingerprint at session level, no rtcp-mux, so two handshakes): to
what is built in, to one of its kind, to one with SDES, both ways. A tone each way, proven in the
recordings; nothing in clear on the wire."""
from lib import capture, space, stage, waits
from lib.cases import Cases

space.enter("baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
GCM, CM = "AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"
USERS = {"1000": {}, "1001": {}, "2000": {"keying": "dtls"}, "2001": {"keying": "dtls"}}
cases = Cases(__file__, stage.opener(USERS))


def dtls_phone(on, user, hz):
    return on.baresip(user, hz=hz, keying="dtls_srtp")


def check_shown(on, *keyings):
    def settled():
        call = on.server.answered(len(keyings))
        return call if all(leg["rx"]["packets"] and leg["media"]["suite"]
                           for leg in call["legs"]) else None
    call = waits.until("media in each leg", settled)
    for leg, keying in zip(call["legs"], keyings):
        assert leg["media"]["keying"] == keying, leg
        assert leg["media"]["suite"] in (GCM, CM), leg
        assert leg["rx"]["auth_failures"] == 0, leg


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    clear = capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not clear, clear
    assert not capture.repeats(wire.rtp())


@cases.case("echo gives back what is said", peer="baresip", keying="dtls: echo", transport="tls")
def echo(on):
    with on.capture("echo") as wire, dtls_phone(on, "1000", CALLER_HZ) as a:
        a.call("echo")
        a.wait_tone(CALLER_HZ)
        check_shown(on, "dtls")
        a.hang_up()
        a.wait_closed()
        on.server.wait_no_call()
    check_wire(wire)


def talk(on, a, b, callee, *keyings):
    with on.capture("-".join(keyings)) as wire, a, b:
        a.call(callee)
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        check_shown(on, *keyings)
        b.hang_up()
        a.wait_closed()
        on.server.wait_no_call()
    check_wire(wire)


@cases.case("two of them talk", peer="baresip", keying="dtls", transport="tls")
def dtls_to_dtls(on):
    talk(on, dtls_phone(on, "2000", CALLER_HZ), dtls_phone(on, "2001", CALLEE_HZ), "2001",
         "dtls", "dtls")


@cases.case("DTLS calls SDES", peer="baresip", keying="dtls to sdes", transport="tls")
def dtls_to_sdes(on):
    talk(on, dtls_phone(on, "1000", CALLER_HZ), on.baresip("1001", hz=CALLEE_HZ), "1001",
         "dtls", "sdes")


@cases.case("SDES calls DTLS", peer="baresip", keying="sdes to dtls", transport="tls")
def sdes_to_dtls(on):
    talk(on, on.baresip("1000", hz=CALLER_HZ), dtls_phone(on, "2001", CALLEE_HZ), "2001",
         "sdes", "dtls")


def packets(on):
    return [leg["rx"]["packets"] for leg in on.server.answered()["legs"]]


def media_goes_on(on):
    before = packets(on)
    waits.until("media from both", lambda: all(now >= was + 50
                                               for now, was in zip(packets(on), before)))
    for leg in on.server.answered()["legs"]:
        assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["replayed"] == 0, leg


@cases.case("media is killed; the tones go on; each holds and resumes", peer="baresip",
            keying="dtls: kill -9 of media, hold", transport="tls")
def killed(on):
    a, b = dtls_phone(on, "2000", CALLER_HZ), dtls_phone(on, "2001", CALLEE_HZ)
    with on.capture("killed") as wire, a, b:
        a.call("2001")
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        mark = on.server.log.mark()
        assert on.server.kill_role("media") < 0.5
        heard = a.sizes(), b.sizes()
        a.wait_tone(CALLEE_HZ, 2, since=heard[0])
        b.wait_tone(CALLER_HZ, 2, since=heard[1])
        for holder, held in ((a, b), (b, a)):
            log = held.log.mark()
            holder.command("hold")
            held.log.wait_line("^a=sendonly", log)
            log = held.log.mark()
            holder.command("resume")
            held.log.wait_line("^a=sendrecv", log)
            media_goes_on(on)
        assert not [line for line in on.server.log.since(mark) if "media_keyed" in line]
        a.hang_up()
        b.wait_closed()
        on.server.wait_no_call()
    check_wire(wire)


@cases.case("the server's own phone is called", peer="baresip", keying="dtls to sotto phone",
            transport="tls")
def to_our_phone(on):
    with on.phone("2001", "--keying", "dtls", "--answer", "--play", f"tone:{CALLEE_HZ}") as b, \
            dtls_phone(on, "2000", CALLER_HZ) as a:
        b.wait("registered")
        a.call("2001")
        a.wait_tone(CALLEE_HZ)
        check_shown(on, "dtls", "dtls")
        a.hang_up()
        heard = b.wait("ended")
        b.stop()
    assert abs(heard["audio"]["tone_hz"] - CALLER_HZ) < 5, heard
    assert heard["media"]["keying"] == "dtls", heard


cases.main()
