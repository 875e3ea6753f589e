#!/usr/bin/python3
"""sotto's own page in Chromium, from the log-in to a call and its end, by mouse and by keyboard; what it
says where something goes wrong; what it looks like. SOTTO_DOCS=1 renews the pictures in docs/."""
import os
import shutil

from lib import browser, capture, stage, waits
from lib.cases import RESULTS, Cases
from lib.server import PASSWORD
from lib.webphone import WebPhone

browser.enter("tcpdump")

PAGE_HZ, FAR_HZ = 440, 1000
NARROW = 360
TOUCH = 44  # pixels: the least that a finger finds
USERS = {"1000": {}, "1001": {}, "1002": {}}
cases = Cases(__file__, stage.opener(USERS))

# Names that a screen reader reads, of all that can be pressed or filled in.
NAMELESS = ("button", "link", "textbox", "combobox", "checkbox", "searchbox")


def check_accessible(phone):
    nodes = phone.page.ask("Accessibility.getFullAXTree")["nodes"]
    used = [n for n in nodes if n.get("role", {}).get("value") in NAMELESS and not n["ignored"]]
    assert used, "nothing to press"
    bare = [n for n in used if not n.get("name", {}).get("value", "").strip()]
    assert not bare, f"without a name: {bare[:3]}"


def check_layout(phone, name):
    """Nothing sticks out at phone width, and a finger finds every button."""
    phone.page.resize(NARROW, 720)
    wide = phone.page.run("document.documentElement.scrollWidth")
    assert wide <= NARROW, f"{name}: {wide} pixels wide"
    small = phone.page.run(f"""[...document.querySelectorAll('button:not(.small), a, select')]
        .filter((e) => e.offsetParent && e.getBoundingClientRect().height < {TOUCH})
        .map((e) => e.innerText)""")
    assert not small, f"{name}: too small for a finger: {small}"
    phone.page.resize(1100, 760)


def picture(phone, name, *, width, height, dark=False):
    """Into the results; into docs/ where asked for."""
    phone.page.resize(width, height, scale=2, dark=dark)
    path = RESULTS / f"{name}.png"
    phone.page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    phone.page.screenshot(path)
    assert path.stat().st_size > 10_000, f"{name}: an empty picture"
    if os.environ.get("SOTTO_DOCS"):
        shutil.copy(path, browser.ROOT / "docs" / path.name)
    phone.page.resize(1100, 760)


def check_faultless(phone):
    """No exception, nothing refused by the content security policy, nothing fetched from elsewhere."""
    assert not phone.page.faults(), phone.page.faults()
    others = phone.page.run("""performance.getEntriesByType('resource').map((e) => e.name)
        .filter((n) => !n.startsWith(location.origin + '/'))""")
    assert not others, f"fetched from elsewhere: {others}"


@cases.case("the page logs in; a wrong password is said to be one; none is kept", peer="sotto's page",
            keying="registers", transport="wss")
def login(on):
    with WebPhone(on, "") as phone:
        check_accessible(phone)
        check_layout(phone, "log in")
        phone.login("1000", "not-the-password")
        phone.wait_text(".login-problem", "not right")
        phone.login("1000", PASSWORD)
        phone.wait_state("Ready")
        shown, = on.server.show("registrations")
        assert shown["transport"] == "wss", shown
        kept = phone.page.run("JSON.stringify([localStorage, sessionStorage])")
        assert PASSWORD not in kept and "ha1" not in kept, kept
        for path in ("recents", "contacts", "settings", ""):
            phone.page.run(f"location.hash = '#/{path}'")
            check_accessible(phone)
            check_layout(phone, path)
        check_faultless(phone)


@cases.case("one who wishes to be remembered is, without the password; logging out forgets")
def remembered(on):
    with WebPhone(on, "1000", remember=True) as phone:
        kept = phone.page.run("JSON.stringify(localStorage)")
        assert "ha1" in kept and PASSWORD not in kept, kept
        phone.page.open(f"https://{on.server.web}/")
        phone.wait_state("Ready")
        phone.page.run("location.hash = '#/settings'")
        phone.press("Log out")
        phone.page.until("the login form", "!!document.querySelector('input[name=password]')")
        assert "ha1" not in phone.page.run("JSON.stringify(localStorage)")


def talk_and_look(on, phone, far):
    """Both hear each other; the lock tells it, and the server the same."""
    far.wait_tone(PAGE_HZ)
    phone.page.until("sound from the far party", """(async () => {
        const pc = [...await document.querySelector('audio').srcObject.getAudioTracks()][0];
        return pc && !pc.muted; })()""")
    told = phone.wait_lock("Encrypted")
    assert "You to the server: AES-" in told and "DTLS 1." in told, told
    legs = on.server.answered()["legs"]
    assert {leg["media"]["keying"] for leg in legs} == {"dtls"}, legs


@cases.case("the page calls; mutes, holds, sends a digit, hangs up; it looks as in the picture",
            peer="sotto's page", keying="dtls: calls", transport="wss")
def calls(on):
    with on.capture("page") as wire, WebPhone(on, "1000", hz=PAGE_HZ) as phone, \
            on.browser("1001", hz=FAR_HZ) as far:
        phone.dial("1001")
        phone.wait_talking()
        talk_and_look(on, phone, far)
        check_accessible(phone)
        check_layout(phone, "in a call")
        picture(phone, "browser-phone", width=1100, height=760)
        picture(phone, "browser-phone-narrow", width=NARROW, height=720, dark=True)
        mute_and_hold(phone, far)
        phone.press("Keypad")
        mark = far.mark()
        phone.press("5")
        phone.wait_text(".sent-keys", "5")
        phone.press("Hang up")
        far.wait_ended(mark)
        phone.wait_ended("You hung up")
        phone.press("Close")
        phone.wait_text(".list", "1001")
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


@cases.case("why a call does not come about is told in words")
def reasons(on):
    with WebPhone(on, "1000", hz=PAGE_HZ) as phone:
        for target, words in (("4711", "Nobody has this number"), ("1002", "cannot be reached")):
            phone.dial(target)
            phone.wait_ended(words)
            phone.press("Close")
        phone.dial('not "a" number')
        phone.wait_text(".problem", "not a number or name")


@cases.case("a microphone that the browser does not give is said to be missing")
def no_microphone(on):
    with WebPhone(on, "1000", hz=PAGE_HZ) as phone:
        phone.page.run("navigator.mediaDevices.getUserMedia = () => "
                       "Promise.reject(new DOMException('no', 'NotAllowedError'))")
        phone.dial("echo")
        phone.wait_ended("microphone is not allowed")
        assert not on.server.calls()


@cases.case("the server goes and comes back: the page says so, and registers again by itself")
def reconnects(on):
    with WebPhone(on, "1000", hz=PAGE_HZ) as phone:
        on.server.stop()
        phone.wait_state("No connection")
        phone.wait_text(".banner", "tried again")
        on.server.start()
        phone.press("Try now")
        phone.wait_state("Ready")
        assert [c["transport"] for c in on.server.show("connections")] == ["wss"]


cases.main()
