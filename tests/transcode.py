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


def open_server(folder):
    """Users who may use L16, too: it is offered only where a policy names it."""
    server = Server(folder)
    server.start()
    for user in ("1000", "1001"):
        server.add_user(user, codecs=",".join(CODECS))
    return server


if __name__ == "__main__":
    run.main([every_pair], opener=open_server)
