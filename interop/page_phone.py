#!/usr/bin/python3
"""sotto's own page in Chromium: logging in, being remembered, and what it says where something goes
wrong; by what is seen on it, by mouse and keyboard."""
from lib import browser, stage
from lib.cases import Cases
from lib.server import PASSWORD
from lib.webphone import WebPhone, check_accessible, check_faultless, check_layout

browser.enter()

cases = Cases(__file__, stage.opener({"1000": {}, "1001": {}, "1002": {}}))


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


@cases.case("why a call does not come about is told in words")
def reasons(on):
    with WebPhone(on, "1000") as phone:
        for target, words in (("4711", "Nobody has this number"), ("1002", "cannot be reached")):
            phone.dial(target)
            phone.wait_ended(words)
            phone.press("Close")
        phone.dial('not "a" number')
        phone.wait_text(".problem", "not a number or name")


@cases.case("a microphone that the browser does not give is said to be missing")
def no_microphone(on):
    with WebPhone(on, "1000") as phone:
        phone.page.run("navigator.mediaDevices.getUserMedia = () => "
                       "Promise.reject(new DOMException('no', 'NotAllowedError'))")
        phone.dial("echo")
        phone.wait_ended("microphone is not allowed")
        assert not on.server.calls()


@cases.case("the server goes and comes back: the page says so, and registers again by itself")
def reconnects(on):
    with WebPhone(on, "1000") as phone:
        on.server.stop()
        phone.wait_state("No connection")
        phone.wait_text(".banner", "tried again")
        on.server.start()
        phone.press("Try now")
        phone.wait_state("Ready")
        assert [c["transport"] for c in on.server.show("connections")] == ["wss"]


cases.main()
