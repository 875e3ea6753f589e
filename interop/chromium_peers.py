#!/usr/bin/python3
"""Chromium with JsSIP, and real phones: baresip, linphonec and the project's own, with SDES and with DTLS,
each calling and being called. A tone each way; the keying of both legs as the server tells it; nothing
in clear on the wire, and no keystream used twice."""
from lib import browser, capture, stage, waits
from lib.cases import Cases

browser.enter("baresip", "linphonec", "tcpdump")

BROWSER_HZ, PHONE_HZ = 440, 1000
TALK_PACKETS = 150  # three seconds: more than the tone must be heard for
PHONE_SECONDS = 4
SLOW = 40  # seconds: linphonec makes an RSA key before its first DTLS call
SDES_USER, DTLS_USER = "2000", "3000"
USERS = {"1000": {}, SDES_USER: {}, DTLS_USER: {"keying": "dtls"}}
cases = Cases(__file__, stage.opener(USERS))


def user_of(keying):
    return DTLS_USER if keying == "dtls" else SDES_USER


def settled(on, caller, callee):
    """Media in each leg, keyed as it should be."""
    def probe():
        call = on.server.answered()
        return call if all(leg["rx"]["packets"] > TALK_PACKETS and leg["tx"]["packets"] > TALK_PACKETS
                           for leg in call["legs"]) else None
    legs = {leg["role"]: leg for leg in waits.until("media in each leg", probe, 30)["legs"]}
    for role, keying in (("caller", caller), ("callee", callee)):
        leg = legs[role]
        assert leg["media"]["keying"] == keying and leg["media"]["suite"] != "NONE", leg
        assert leg["rx"]["auth_failures"] == 0, leg


def check_wire(wire):
    wire.check_whole()
    packets = wire.rtp()
    assert len(capture.flows(packets)) >= 4, "the capture does not hold the call's four flows"
    clear = capture.clear_flows(packets, BROWSER_HZ, PHONE_HZ)
    assert not clear, clear
    assert not capture.repeats(packets), capture.repeats(packets)[:5]


# --- baresip and linphonec: what they hear is in their recordings ---

def baresip(on, keying):
    return on.baresip(user_of(keying), hz=PHONE_HZ,
                      keying="dtls_srtp" if keying == "dtls" else "srtp-mand")


def linphone(on, keying):
    return on.linphone(user_of(keying), hz=PHONE_HZ, transport="tls",
                       keying="dtls" if keying == "dtls" else "srtp")


def browser_calls(on, make, keying):
    with on.capture("calls") as wire, make(on, keying) as phone, on.browser("1000", hz=BROWSER_HZ) as a:
        mark = a.dial(user_of(keying))
        a.wait("CONFIRMED", mark, SLOW)
        a.wait_tone(PHONE_HZ, patience=30)
        settled(on, "dtls", keying)
        a.hang_up()
        phone.check_heard(BROWSER_HZ)
        on.server.wait_no_call()
    check_wire(wire)


def browser_is_called(on, make, keying):
    with on.capture("called") as wire, make(on, keying) as phone, on.browser("1000", hz=BROWSER_HZ) as a:
        phone.call("1000")
        a.wait("CONFIRMED", seconds=SLOW)
        a.wait_tone(PHONE_HZ, patience=30)
        settled(on, keying, "dtls")
        mark = a.mark()
        phone.hang_up()
        a.wait_ended(mark)
        phone.check_heard(BROWSER_HZ)
        on.server.wait_no_call()
    check_wire(wire)


# --- `sotto phone` and `sotto call` tell what they heard ---

def check_told(told, keying):
    assert told["media"]["keying"] == keying, told
    assert abs(told["audio"]["tone_hz"] - BROWSER_HZ) < 5, told


def browser_calls_ours(on, keying):
    with on.capture("ours") as wire, \
            on.phone(user_of(keying), "--keying", keying, "--answer", "--play", f"tone:{PHONE_HZ}") as phone, \
            on.browser("1000", hz=BROWSER_HZ) as a:
        phone.wait("registered")
        a.call(user_of(keying))
        a.wait_tone(PHONE_HZ)
        settled(on, "dtls", keying)
        a.hang_up()
        check_told(phone.wait("ended"), keying)
        phone.stop()
        on.server.wait_no_call()
    check_wire(wire)


def browser_is_called_by_ours(on, keying):
    with on.capture("by-ours") as wire, on.browser("1000", hz=BROWSER_HZ) as a, \
            on.phone(user_of(keying), "--keying", keying, "--play", f"tone:{PHONE_HZ}", "--seconds",
                     PHONE_SECONDS, call="1000") as phone:
        a.wait("CONFIRMED")
        a.wait_tone(PHONE_HZ)
        status, told = phone.finish(30)
        assert status == 0 and told["result"] == "answered", told
        check_told(told, keying)
        a.wait_ended()
        on.server.wait_no_call()
    check_wire(wire)


def register_cases():
    for name, make in (("baresip", baresip), ("linphonec", linphone), ("sotto phone", None)):
        for keying in ("sdes", "dtls"):
            calls = browser_calls if make else browser_calls_ours
            called = browser_is_called if make else browser_is_called_by_ours
            given = (make, keying) if make else (keying,)
            add(f"calls {name}", f"dtls to {keying}", calls, given)
            add(f"is called by {name}", f"{keying} to dtls", called, given)


def add(does, keying, run, given):
    def one(on):
        run(on, *given)
    one.__name__ = f"{does} {keying}".replace(" ", "_")
    cases.case(f"Chromium {does}, {keying}", peer=f"Chromium, JsSIP: {does}", keying=keying,
               transport="wss")(one)


register_cases()
cases.main()
