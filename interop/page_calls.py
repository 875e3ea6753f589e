#!/usr/bin/python3
"""sotto's own page in Chromium in a call: calling and called, by mouse and by keyboard; both hear each
other, the lock tells the truth, nothing is in clear. SOTTO_DOCS=1 renews the pictures in docs/."""
import os
import shutil

from lib import browser, capture, stage, waits
from lib.cases import RESULTS, Cases
from lib.webphone import NARROW, WebPhone, check_accessible, check_faultless, check_layout

browser.enter("baresip", "tcpdump")

PAGE_HZ, FAR_HZ = 440, 1000
CLEAR = {"protection": "off"}
cases = Cases(__file__, stage.opener({"1000": {}, "1001": {}, "1002": {}, "4000": CLEAR}))


def picture(phone, name, *, width, height, dark=False):
    """Into the results; into docs/ where asked for."""
    phone.page.resize(width, height, scale=2, dark=dark)
    path = RESULTS / f"{name}.png"
    # Colours change softly with the scheme.
    phone.page.run("""new Promise((done) => requestAnimationFrame(done)).then(() => Promise.all(
        document.getAnimations().filter((a) => a.playState === 'running' && a instanceof CSSTransition)
            .map((a) => a.finished.catch(() => 0)))).then(() => 0)""")
    phone.page.screenshot(path)
    assert path.stat().st_size > 10_000, f"{name}: an empty picture"
    if os.environ.get("SOTTO_DOCS"):
        shutil.copy(path, browser.ROOT / "docs" / path.name)
    phone.page.resize(1100, 760)


def talk_and_look(on, phone, far):
    """Both hear each other; the lock tells it, and the server the same."""
    far.wait_tone(PAGE_HZ)
    phone.wait_tone(FAR_HZ)
    told = phone.wait_lock("Encrypted on both sides")
    assert "You to the server: AES-" in told and "DTLS 1." in told, told
    assert "to them: AES-" in told and "DTLS; says the server" in told, told
    legs = on.server.answered()["legs"]
    assert {leg["media"]["keying"] for leg in legs} == {"dtls"}, legs


def know_people(phone):
    """Contacts, and calls made before."""
    for name, number in (("Anna Bergström", "1001"), ("Workshop", "1002"), ("Echo", "echo")):
        phone.page.run("location.hash = '#/contacts'")
        phone.press("Add")
        phone.fill(".right form input", name)
        phone.fill(".right form label + label input", number)
        phone.press("Save")
        phone.wait_text(".list", name)
    phone.dial("1002")
    phone.wait_ended("cannot be reached")
    phone.press("Close")
    phone.dial("echo")
    phone.wait_talking()
    phone.wait_lock("Encrypted")
    phone.press("Hang up")
    phone.press("Close")
    phone.page.run("location.hash = '#/'")


@cases.case("the page calls; mutes, holds, sends a digit, hangs up; it looks as in the picture",
            peer="sotto's page", keying="dtls: calls", transport="wss")
def calls(on):
    with on.capture("page") as wire, WebPhone(on, "1000", hz=PAGE_HZ) as phone, \
            on.browser("1001", hz=FAR_HZ) as far:
        know_people(phone)
        phone.dial("1001")
        phone.wait_talking()
        talk_and_look(on, phone, far)
        check_accessible(phone)
        check_layout(phone, "in a call")
        picture(phone, "browser-phone", width=1100, height=760)
        phone.page.click(".lock summary")
        picture(phone, "browser-phone-narrow", width=NARROW, height=820, dark=True)
        phone.page.click(".lock summary")
        mute_and_hold(phone, far)
        phone.press("Keypad")
        mark = far.mark()
        phone.press("5")
        phone.wait_text(".sent-keys", "5")
        phone.press("Hang up")
        far.wait_ended(mark)
        phone.wait_ended("You hung up")
        phone.press("Close")
        phone.wait_text(".list", "Anna")
        check_faultless(phone)
        on.server.wait_no_call()
    wire.check_whole()
    packets = wire.rtp()
    assert capture.flows(packets), "the capture holds no media"
    assert not capture.clear_flows(packets, PAGE_HZ, FAR_HZ)


def silent(far, hz):
    """A second in which the tone is not heard."""
    mark = far.sound_mark()
    waits.until("a second of what the far party hears", lambda: far.run(f"rig.heard({hz}, {mark})")["blocks"] >= 10)
    return far.run(f"rig.heard({hz}, {mark})")["seconds"] < 0.5


def mute_and_hold(phone, far):
    phone.press("Mute")
    waits.until("the far party to hear nothing", lambda: silent(far, PAGE_HZ))
    phone.press("Mute")
    far.wait_tone(PAGE_HZ, since=far.sound_mark())
    mark = far.mark()
    phone.press("Hold")
    far.wait("HOLD remote", mark)
    phone.wait_text(".phase", "On hold")
    phone.press("Hold")
    far.wait("UNHOLD remote", mark)
    phone.wait_text(".phase", "Talking")
    far.wait_tone(PAGE_HZ, since=far.sound_mark())


@cases.case("the page is called, and answers by the keyboard alone", peer="sotto's page",
            keying="dtls: is called", transport="wss")
def is_called(on):
    with WebPhone(on, "1000", hz=PAGE_HZ) as phone, on.browser("1001", hz=FAR_HZ) as far:
        mark = far.dial("1000")
        phone.wait_text(".call-incoming", "1001")
        check_accessible(phone)
        check_layout(phone, "incoming")
        phone.focus_on("Answer")
        phone.page.key("Enter", number=13, text="\r")
        far.wait("CONFIRMED", mark)
        phone.wait_talking()
        talk_and_look(on, phone, far)
        far.hang_up()
        phone.wait_ended("They hung up")
        on.server.wait_no_call()


@cases.case("the page declines: the caller gets 603")
def declines(on):
    with WebPhone(on, "1000", hz=PAGE_HZ) as phone, on.browser("1001", hz=FAR_HZ) as far:
        mark = far.dial("1000")
        phone.wait_text(".call-incoming", "1001")
        phone.press("Decline")
        assert " 603 " in far.wait("FAILED", mark)
        phone.wait_ended("You declined")


@cases.case("a far side in clear is said to be so", peer="sotto's page", keying="dtls to none",
            transport="wss")
def far_side_in_clear(on):
    with WebPhone(on, "1000", hz=PAGE_HZ) as phone, \
            on.baresip("4000", keying="none", hz=FAR_HZ) as far:
        phone.dial("4000")
        phone.wait_talking()
        far.wait_tone(PAGE_HZ)
        told = phone.wait_lock("Their side is not encrypted")
        assert "You to the server: AES-" in told and "to them: in clear" in told, told
        phone.press("Hang up")
        phone.wait_ended("You hung up")
        phone.press("Close")
        phone.wait_text(".list", "not protected")
        on.server.wait_no_call()


@cases.case("digits from the keypad reach a phone with SDES; the lock names both keyings",
            peer="sotto's page", keying="dtls to sdes: digits", transport="wss")
def digits(on):
    with on.phone("1002", "--keying", "sdes", "--answer", "--play", f"tone:{FAR_HZ}") as far, \
            WebPhone(on, "1000", hz=PAGE_HZ) as phone:
        far.wait("registered")
        phone.dial("1002")
        phone.wait_talking()
        phone.wait_tone(FAR_HZ)
        told = phone.wait_lock("Encrypted on both sides")
        assert "to them: AES-" in told and "SDES" in told, told
        phone.press("Keypad")
        for key in "42#":
            phone.press(key)
        phone.wait_text(".sent-keys", "42#")
        phone.page.until("the digits to be out", "window.digitsOut === true")
        phone.press("Hang up")
        heard = far.wait("ended")
        far.stop()
    assert heard["audio"]["digits"] == "42#", heard
    assert abs(heard["audio"]["tone_hz"] - PAGE_HZ) < 5, heard


@cases.case("closing the page ends its call; who calls it then gets 480")
def closed(on):
    with on.browser("1001", hz=FAR_HZ) as far:
        with WebPhone(on, "1000", hz=PAGE_HZ) as phone:
            phone.dial("1001")
            phone.wait_talking()
            far.wait_tone(PAGE_HZ)
            mark = far.mark()
        far.wait_ended(mark)
        on.server.wait_no_call()
        # Its binding is left until it expires, and reaches nobody.
        waits.until("480", lambda: " 480 " in far.wait("FAILED", far.dial("1000")))


cases.main()
