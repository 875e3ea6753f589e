#!/usr/bin/python3
"""Two phones that share no codec hear each other: every pair of codecs, both ways, encrypted; a pair
that shares one is not touched. With loss, different packet times, digits, hold, a killed media role."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lib import run  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib import waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.phone import Phone  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.server import Server  # noqa: E402  pylint: disable=wrong-import-position

CODECS = ("PCMU", "PCMA", "G722", "opus", "L16")
CALLER_HZ, CALLEE_HZ = 440, 1000


class Talk:
    """1000 calls 1001; each with codecs of its own, each saying a tone of its own."""

    def __init__(self, server, caller, callee, *, seconds=2, more=(), callee_more=()):
        self.server = server
        self.phone = Phone(server, "1001", "--answer", "--codecs", callee, "--play",
                           f"tone:{CALLEE_HZ}", *callee_more)
        self.call = Phone(server, "1000", "--codecs", caller, "--play", f"tone:{CALLER_HZ}",
                          "--seconds", seconds, "--events", *more, call="1001")

    def __enter__(self):
        self.phone.start()
        self.phone.wait("registered")
        self.call.start()
        return self

    def __exit__(self, *_):
        for phone in (self.call, self.phone):
            phone.__exit__()

    def ends(self):
        """The last words of caller and callee."""
        status, caller = self.call.finish(60)
        assert status == 0 and caller["result"] == "answered", caller
        callee = self.phone.wait("ended")
        self.phone.stop()
        return caller, callee


def assert_tone(end, hz):
    heard = end["audio"]["tone_hz"]
    assert heard and abs(heard - hz) < 6, f"{end['user']} heard {heard} Hz, not {hz}: {end}"


def talk(server, caller, callee, **options):
    with Talk(server, caller, callee, **options) as t:
        a, b = t.ends()
    assert_tone(a, CALLEE_HZ)
    assert_tone(b, CALLER_HZ)
    return a, b


def every_pair(server, _folder):
    for caller in CODECS:
        for callee in CODECS:
            a, b = talk(server, caller, callee, seconds=1)
            assert (a["codec"], b["codec"]) == (caller.upper(), callee.upper()), (a, b)
            print(f"   {caller} - {callee}: {a['audio']['tone_hz']} Hz, {b['audio']['tone_hz']} Hz",
                  flush=True)


def who_shares_is_not_touched(server, _folder):
    """A codec in common wins, wherever it stands in the lists; and nothing of ours is in between: what
    each hears is the other's own stream."""
    for caller, callee, both in (("opus,PCMA", "G722,PCMA", "PCMA"), ("PCMU,G722", "G722,opus", "G722")):
        a, b = talk(server, caller, callee, seconds=1)
        assert (a["codec"], b["codec"]) == (both, both), (a, b)


def shown(server, _folder):
    with Talk(server, "opus", "PCMA", seconds=30) as t:
        t.phone.wait("answered")
        waits.until("both codecs in `sotto show calls`", lambda: [
            leg["codec"] for leg in server.answered()["legs"]] == ["OPUS", "PCMA"])


def loss(server, _folder):
    """Every 20th packet of both is lost: concealed, so nothing is missing at the other end."""
    lossy = {"more": ("--lose", 20), "callee_more": ("--lose", 20)}
    for caller, callee in (("PCMA", "opus"), ("opus", "G722"), ("L16", "PCMU")):
        a, b = talk(server, caller, callee, seconds=4, **lossy)
        for end in (a, b):
            assert end["rx"]["lost"] == 0 and end["rx"]["packets"] > 150, end["rx"]


def packet_times(server, _folder):
    for ours, theirs in ((20, 40), (60, 20)):
        a, b = talk(server, "PCMA", "opus", seconds=3, more=("--ptime", ours),
                    callee_more=("--ptime", theirs))
        for end, ms in ((a, ours), (b, theirs)):
            assert abs(end["tx"]["packets"] - 3000 / ms) < 600 / ms, (ms, end["tx"])


def hold(server, _folder):
    """Held, resumed, and a packet of the second half heard."""
    a, b = talk(server, "PCMA", "opus", seconds=6, more=("--hold-after", 1))
    assert a["audio"]["max_gap_ms"] < 1500 and b["audio"]["max_gap_ms"] < 1500, (a, b)
    assert b["rx"]["packets"] > 120, b["rx"]


def renewed(server, _folder):
    talk(server, "opus", "PCMA", seconds=4, more=("--reinvite-after", 1))


def late_offer(server, _folder):
    """The callee offers first; the caller answers in the ACK."""
    a, b = talk(server, "opus", "PCMA", seconds=2, more=("--offer-late",))
    assert (a["codec"], b["codec"]) == ("OPUS", "PCMA"), (a, b)


def media_killed(server, _folder):
    """kill -9 of what converts: the call goes on, under the same SSRC."""
    with Talk(server, "PCMA", "opus", seconds=6) as t:
        t.phone.wait("answered")
        server.answered()
        server.kill_role("media")
        a, b = t.ends()
    assert_tone(a, CALLEE_HZ)
    assert_tone(b, CALLER_HZ)
    for end in (a, b):
        assert end["rx"]["streams"] == 1 and end["rx"]["replayed"] == 0, end["rx"]
        assert end["rx"]["packets"] > 200, end["rx"]


def digits(server, caller, callee, by, *, more=(), callee_more=(), back=False):
    """The caller dials; `back`: the callee."""
    said = ("--dtmf", "159*0#D")
    with Talk(server, caller, callee, seconds=4, more=(() if back else said) + more,
              callee_more=(said if back else ()) + callee_more) as t:
        heard = t.ends()[0 if back else 1]["audio"]
    said = said[1]
    assert (heard["digits"], heard["digits_by"]) == (said, by), f"{caller} to {callee}: {heard}"


def digits_as_events(server, _folder):
    digits(server, "PCMA", "opus", "event")
    digits(server, "opus", "PCMU", "event")


def digits_by_info(server, _folder):
    """INFO of one phone becomes an event for the other, converted audio or not; without events on the
    other side it stays INFO."""
    digits(server, "PCMA", "PCMA", "event", more=("--dtmf-info",))
    digits(server, "PCMA", "opus", "event", more=("--dtmf-info",))
    digits(server, "PCMA", "opus", "info", more=("--dtmf-info",), callee_more=("--no-events",))


def events_to_info(server, _folder):
    """Digits for a phone that has no number for events and takes INFO: relayed and converted audio,
    as events and as tones, both ways."""
    deaf = ("--no-events",)
    server.cli("quirk", "set", "sotto", "--digest", "sha256-first", "--dtmf", "info")
    try:
        digits(server, "PCMA", "PCMA", "info", callee_more=deaf)
        digits(server, "PCMA", "opus", "info", callee_more=deaf)
        digits(server, "PCMA", "opus", "info", more=("--no-events",), callee_more=deaf)
        digits(server, "PCMA", "PCMA", "info", more=deaf, back=True)
        digits(server, "opus", "G722", "info", more=deaf, back=True)
        digits(server, "PCMA", "opus", "event")
    finally:
        server.cli("quirk", "del", "sotto")
    digits(server, "opus", "PCMU", "tone", callee_more=deaf)


def digits_as_tones(server, _folder):
    """Tones of a phone that has no number for events become events; events become tones for it."""
    digits(server, "PCMA", "opus", "event", more=("--no-events",))
    digits(server, "opus", "PCMU", "tone", callee_more=("--no-events",))
    digits(server, "L16", "G722", "tone", callee_more=("--no-events",))


def switched_off(server, _folder):
    with Talk(server, "PCMA", "opus", seconds=2) as t:
        status, end = t.call.finish(30)
    assert status == 1 and end["status"] == 488, end


def tones_of_one_codec(server, _folder):
    """Nothing is converted where a codec is shared: tones stay tones."""
    digits(server, "PCMA", "PCMA", "tone", more=("--dtmf-tones",), callee_more=("--no-events",))


def built_in(server, _folder):
    """echo, tone and clock in every codec."""
    for codec in CODECS:
        for target, hz in (("echo", CALLER_HZ), ("tone", 1004)):
            with Phone(server, "1000", "--codecs", codec, "--play", f"tone:{CALLER_HZ}",
                       "--seconds", 2, call=target) as phone:
                status, end = phone.finish(30)
            assert status == 0 and end["codec"] == codec.upper(), end
            assert_tone(end, hz)


def open_server(folder):
    """Users who may use L16, too: it is offered only where a policy names it."""
    server = Server(folder)
    server.start()
    for user in ("1000", "1001"):
        server.add_user(user, codecs=",".join(CODECS))
    return server


def open_off(folder):
    server = Server(folder, settings="[media]\ntranscode = no\n")
    server.start()
    for user in ("1000", "1001"):
        server.add_user(user)
    return server


switched_off.opener = open_off
TESTS = [every_pair, who_shares_is_not_touched, shown, loss, packet_times, hold, renewed, late_offer,
         media_killed, digits_as_events, digits_by_info, events_to_info, digits_as_tones,
         tones_of_one_codec, switched_off, built_in]

if __name__ == "__main__":
    run.main(TESTS, opener=open_server)
