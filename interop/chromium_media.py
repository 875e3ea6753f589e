#!/usr/bin/python3
"""Chromium's media with the server: ICE, DTLS-SRTP, BUNDLE with video, Opus and PCMA, while the
descriptions are carried by a SIP user agent made of text, which can do what JsSIP does not."""
import re
import secrets
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from interop.lib import space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.chromium import Browser  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.server import DOMAIN  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position
from lib import sip, websocket  # noqa: E402  pylint: disable=wrong-import-position

BROWSER_HZ, PHONE_HZ = 440, 1000
cases = Cases(__file__, opener({"1000": {}, "1001": {}}))


class Dialog:
    """A call of 1000 over one link, with the browser's descriptions."""

    def __init__(self, link, target):
        self.link, self.uri = link, f"sip:{target}@{DOMAIN}"
        self.how = {"user": "1000", "call_id": secrets.token_hex(8), "from_tag": secrets.token_hex(4)}
        self.cseq = 0

    def send(self, offer, *headers):
        self.cseq += 1
        self.offer = offer
        self.link.send(sip.request(self.link, "INVITE", self.uri, cseq=self.cseq,
                                   headers=(sip.SDP_TYPE, *headers), body=offer, **self.how))

    def challenged(self):
        """Asked for credentials: says it again with them."""
        asked = self.link.answer_to(self.how["call_id"], self.cseq)
        assert asked.status == 407, asked
        self.send(self.offer, sip.credentials(sip.challenge_of(asked), "INVITE", self.uri, "1000",
                                              proxy=True))

    def answered(self):
        """The answer's description; the call is acknowledged."""
        answer = self.link.answer_to(self.how["call_id"], self.cseq)
        assert answer.status == 200, answer
        if "to_tag" not in self.how:
            self.how.update(to=f"<{self.uri}>", to_tag=answer.tag("To"))
            self.uri = re.search(r"<([^>]+)>", answer.get("Contact"))[1]
        self.link.send(sip.request(self.link, "ACK", self.uri, cseq=self.cseq, **self.how))
        return answer.body.decode()

    def invite(self, offer):
        self.send(offer)
        if "to_tag" not in self.how:
            self.challenged()
        return self.answered()

    def bye(self):
        self.cseq += 1
        self.link.send(sip.request(self.link, "BYE", self.uri, cseq=self.cseq, **self.how))
        assert self.link.answer_to(self.how["call_id"], self.cseq).status == 200


@contextmanager
def call(on, target, *, mdns=False, video=False, config=None, hear=lambda answer: answer):
    """(browser, dialog, our answer) of a call that the browser makes. hear: what the browser sees of
    the answer"""
    with Browser(on.folder, f"chromium-{secrets.token_hex(3)}", hz=BROWSER_HZ, mdns=mdns) as b, \
            sip.Link(on.server, "tls") as link:
        assert sip.register(link).status == 200
        b.ask("open", video=video, config=config or {})
        dialog = Dialog(link, target)
        answer = dialog.invite(b.ask("offer"))
        try:
            b.ask("accept", sdp=hear(answer))
            yield b, dialog, answer
        finally:  # the next case looks at the one call that is there
            dialog.bye()
        on.server.wait_no_call()


def check_tone(browser, hz):
    def probe():
        got = browser.ask("tone", ms=700)
        return got if abs(got["hz"] - hz) < 10 else None
    waits.until(f"a tone of {hz} Hz in chromium", probe)


def check_secure(on, browser):
    t = browser.wait_connected()
    assert t["srtpCipher"] in ("SRTP_AEAD_AES_128_GCM", "AEAD_AES_128_GCM"), t
    browser.wait_heard()
    leg = on.server.calls()[0]["legs"][0]
    assert leg["media"]["keying"] == "dtls" and leg["media"]["suite"] == "AEAD_AES_128_GCM", leg
    assert leg["media"]["ice"] == "connected", leg
    assert leg["rx"]["auth_failures"] == 0 and leg["rx"]["clear_dropped"] == 0, leg
    return leg


# The cases with IPv6 come first: what the server has found of its addresses it believes for ten seconds.

@contextmanager
def ipv6():
    space.ipv6("add")
    try:
        yield
    finally:
        if subprocess.run(["ip", "-6", "address", "show", "to", space.HOST6], check=True,
                          capture_output=True).stdout:
            space.ipv6("del")


def check_over(on, host):
    def probe():
        media = on.server.calls()[0]["legs"][0]["media"]
        at = f"[{host}]:" if ":" in host else f"{host}:"
        return all((media[end] or "").startswith(at[:7]) for end in ("local", "remote"))
    waits.until(f"a pair over {host}", probe, seconds=40)


def without(host):
    def hear(answer):
        lines = answer.splitlines(keepends=True)
        kept = [line for line in lines if not (line.startswith("a=candidate:") and f" {host} " in line)]
        assert 0 < len(lines) - len(kept) and any("a=candidate:" in line for line in kept), answer
        return "".join(kept)
    return hear


@cases.case("echo, where our IPv6 address alone is known to it, and where the other is",
            peer="Chromium's media", keying="dtls: IPv6 or IPv4", transport="tls")
def one_version(on):
    for host, other in ((space.HOST6, space.HOST), (space.HOST, space.HOST6)):
        with ipv6(), call(on, "echo", hear=without(other)) as (b, _, answer):
            assert f"c=IN IP4 {space.HOST}" in answer, answer
            check_secure(on, b)
            check_over(on, host)
            check_tone(b, BROWSER_HZ)


@cases.case("echo over IPv6; kill -9 of the media role; then IPv6 goes away", peer="Chromium's media",
            keying="dtls: from IPv6 to IPv4", transport="tls")
def both_versions(on):
    with ipv6(), call(on, "echo") as (b, _, _answer):
        check_secure(on, b)
        check_over(on, space.HOST6)
        on.server.kill_role("media")
        before = b.wait_heard()["packetsReceived"]
        b.wait_heard(packets=before + 100)
        check_over(on, space.HOST6)
        space.ipv6("del")
        check_over(on, space.HOST)
        before = b.wait_heard()["packetsReceived"]
        b.wait_heard(packets=before + 100)
        check_tone(b, BROWSER_HZ)


@cases.case("echo", peer="Chromium's media", keying="dtls: echo", transport="tls")
def echo(on):
    with call(on, "echo") as (b, _, answer):
        assert "a=ice-lite\r\nm=audio" in answer and "a=group:BUNDLE 0\r\n" in answer, answer
        leg = check_secure(on, b)
        assert leg["codec"] == "OPUS", leg
        pair = [p for p in b.stats("candidate-pair") if p.get("nominated")]
        assert len(pair) == 1 and leg["media"]["remote"].startswith(space.HOST[:7]), (pair, leg)
        check_tone(b, BROWSER_HZ)


@cases.case("echo, with addresses hidden by mDNS names", peer="Chromium's media", keying="dtls: mDNS",
            transport="tls")
def mdns_names(on):
    with call(on, "echo", mdns=True) as (b, _, _answer):
        check_secure(on, b)
        check_tone(b, BROWSER_HZ)


@cases.case("echo, with video that is refused", peer="Chromium's media", keying="dtls: video refused",
            transport="tls")
def video_refused(on):
    with call(on, "echo", video=True) as (b, _, answer):
        assert re.search(r"m=video 0 ", answer), answer
        check_secure(on, b)


@cases.case("echo, the policy max-bundle", peer="Chromium's media", keying="dtls: max-bundle",
            transport="tls")
def max_bundle(on):
    with call(on, "echo", video=True, config={"bundlePolicy": "max-bundle"}) as (b, _, _answer):
        check_secure(on, b)
        check_tone(b, BROWSER_HZ)


@cases.case("to a desk phone with SDES; both are heard", peer="Chromium's media",
            keying="dtls to sdes", transport="tls")
def desk_phone(on):
    with on.phone("1001", "--keying", "sdes", "--answer", "--play", f"tone:{PHONE_HZ}") as p:
        p.wait("registered")
        with call(on, "1001") as (b, _, answer):
            check_secure(on, b)
            check_tone(b, PHONE_HZ)
            assert "crypto" not in answer, answer
            legs = on.server.calls()[0]["legs"]
            assert [leg["media"]["keying"] for leg in legs] == ["dtls", "sdes"], legs
            waits.until("media at the phone", lambda: on.server.calls()[0]["legs"][1]["tx"]["packets"] > 50)
        p.wait("ended")


@cases.case("ICE begins anew, by re-INVITE", peer="Chromium's media", keying="dtls: ICE restart",
            transport="tls")
def ice_restart(on):
    with call(on, "echo") as (b, dialog, answer):
        check_secure(on, b)
        again = dialog.invite(b.ask("offer", iceRestart=True))
        ufrag = [re.search(r"a=ice-ufrag:(\S+)", text)[1] for text in (answer, again)]
        assert ufrag[0] != ufrag[1], again
        b.ask("accept", sdp=again)
        before = b.wait_heard()["packetsReceived"]
        b.wait_heard(packets=before + 100)
        check_tone(b, BROWSER_HZ)


@contextmanager
def callee(on):
    """(browser, link) of 1001, registered over WSS: it is offered what browsers want."""
    with Browser(on.folder, f"chromium-{secrets.token_hex(3)}", hz=PHONE_HZ) as b, \
            websocket.Link(on.server) as link:
        assert sip.register(link, "1001").status == 200
        yield b, link


def take_call(browser, link, *, video=False):
    """Answers what comes; our offer."""
    invite = link.wait(lambda m: m.method == "INVITE")
    offer = invite.body.decode()
    browser.ask("open", video=video)
    sip.reply(link, invite, 200, "OK", to_tag=secrets.token_hex(4), headers=(sip.SDP_TYPE,),
              body=browser.ask("answer", sdp=offer))
    return offer


def take_bye(link):
    bye = link.wait(lambda m: m.method == "BYE")
    sip.reply(link, bye, 200, "OK")


@cases.case("called by a desk phone with SDES", peer="Chromium's media", keying="sdes to dtls",
            transport="wss")
def called(on):
    with callee(on) as (b, link), \
            on.phone("1000", "--keying", "sdes", "--play", f"tone:{BROWSER_HZ}", "--seconds", 20,
                     call="1001") as p:
        offer = take_call(b, link)
        assert "a=group:BUNDLE" in offer and "a=ice-lite" in offer and "a=rtcp-mux" in offer, offer
        b.wait_connected()
        b.wait_heard()
        check_tone(b, BROWSER_HZ)
        legs = on.server.answered()["legs"]
        assert [leg["media"]["keying"] for leg in legs] == ["sdes", "dtls"], legs
        assert legs[1]["media"]["ice"] == "connected", legs
        p.stop()
        take_bye(link)
    on.server.wait_no_call()


@cases.case("two of them, with video over one transport each", peer="Chromium's media",
            keying="dtls: video, BUNDLE", transport="wss")
def video(on):
    with callee(on) as (b, link), \
            Browser(on.folder, f"chromium-{secrets.token_hex(3)}", hz=BROWSER_HZ) as a, \
            websocket.Link(on.server) as mine:
        assert sip.register(mine).status == 200
        a.ask("open", video=True, config={"bundlePolicy": "max-bundle"})
        dialog = Dialog(mine, "1001")
        dialog.send(a.ask("offer"))
        dialog.challenged()
        offer = take_call(b, link, video=True)
        assert re.search(r"a=group:BUNDLE \S+ \S+\r\n", offer), offer
        assert len(set(re.findall(r"m=(?:audio|video) (\d+) ", offer))) == 1, offer
        a.ask("accept", sdp=dialog.answered())
        for browser, hz in ((a, PHONE_HZ), (b, BROWSER_HZ)):
            browser.wait_connected()
            check_tone(browser, hz)
            seen = browser.wait_heard("video")
            waits.until("pictures", lambda x=browser: x.wait_heard("video").get("framesDecoded", 0) > 10)
            assert seen["packetsLost"] < seen["packetsReceived"] / 20, seen
        dialog.bye()
        take_bye(link)
    on.server.wait_no_call()


@cases.case("kill -9 of the media role", peer="Chromium's media", keying="dtls: kill -9 of media",
            transport="tls")
def media_killed(on):
    with call(on, "echo") as (b, _, _answer):
        check_secure(on, b)
        on.server.kill_role("media")
        before = b.wait_heard()["packetsReceived"]
        b.wait_heard(packets=before + 100)
        check_tone(b, BROWSER_HZ)


space.enter("chromium")
cases.main()
