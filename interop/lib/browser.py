"""A browser as a phone: Chromium with the test page of interop/browser, which is JsSIP and little else.
The page is given to the browser as if it came from the server, so that its origin is the server's."""
import itertools
import json
import subprocess
from pathlib import Path

from . import chromium, space, waits
from .cases import RESULTS
from .server import DOMAIN, PASSWORD, PORTS

HERE = Path(__file__).resolve().parents[1] / "browser"
ROOT = Path(__file__).resolve().parents[2]
BARE = b"<!doctype html><meta charset=utf-8><title>rig</title><script src=rig.js></script>"
numbers = itertools.count()


def bundle():
    """The test page's program. Skips the script where it cannot be made."""
    space.need("chromium", "node", "npm", "openssl")
    made = RESULTS / "rig.js"
    RESULTS.mkdir(parents=True, exist_ok=True)
    for command in ([ROOT / "tools" / "build-web", "--need"], ["node", HERE / "build.mjs", made]):
        done = subprocess.run(command, text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if "could not fetch" in done.stdout:
            space.skip("npm cannot fetch the test page's packages")
        assert done.returncode == 0, f"{command}:\n{done.stdout}"
    return made.read_bytes()


class Browser:
    """One phone, a context manager: registered on entry unless `register` is off."""

    def __init__(self, folder, server, user, *, hz=440, answer=True, register=True):
        self.user, self.server, self.hz = user, server, hz
        self.answer, self.register = answer, register
        self.chromium = chromium.Chromium(folder, f"{next(numbers)}-{user}", hz=hz,
                                          trust=chromium.key_of(server.certificate))
        self.page = None

    def __enter__(self):
        self.chromium.start()
        try:
            return self.open()
        except BaseException:
            self.chromium.stop()
            raise

    def __exit__(self, *_):
        self.chromium.stop()

    def open(self):
        base = f"https://{self.server.host}:{PORTS['wss']}/rig/"
        self.page = self.chromium.page(f"{base}page.html", files={
            f"{base}page.html": ("text/html", BARE),
            f"{base}rig.js": ("text/javascript", bundle())})
        account = {"ws": f"wss://{self.server.host}:{PORTS['wss']}{self.server.ws_path}",
                   "uri": f"sip:{self.user}@{DOMAIN}", "password": PASSWORD}
        self.run(f"rig.start({json.dumps(account)}, {json.dumps(self.answer)})")
        if self.register:
            self.wait("REGISTERED")
        return self

    def run(self, code):
        return self.page.run(code)

    def wait(self, word, after=0, seconds=waits.PATIENCE):
        return self.page.wait_console(word, after, seconds)

    def mark(self):
        return self.page.news.mark()

    def stats(self):
        return self.run("rig.stats()")

    def sdp(self):
        """Every session description that went over its wire, newest last."""
        return [n["text"] for n in self.page.news.since() if n["text"].startswith("SDP ")]

    # --- calls ---

    def dial(self, target):
        mark = self.mark()
        self.run(f"rig.dial({json.dumps(f'sip:{target}@{DOMAIN}')})")
        return mark

    def call(self, target):
        mark = self.dial(target)
        self.wait("CONFIRMED", mark)
        return mark

    def hang_up(self):
        mark = self.mark()
        self.run("rig.end()")
        return mark

    def wait_ended(self, after=0):
        return self.wait("ENDED", after)

    # --- what it hears ---

    def sound_mark(self):
        return self.run("rig.mark()")

    def wait_tone(self, hz, seconds=1.0, since=0, patience=waits.PATIENCE):
        """Until the tone has been heard for so long behind the mark."""
        heard = {}

        def probe():
            heard.update(self.run(f"rig.heard({hz}, {since})"))
            return heard["seconds"] >= seconds
        try:
            waits.until("", probe, patience)
        except waits.TooLate:
            last = "\n".join(f"    {n['text'][:1500]}" for n in self.page.news.since()[-8:])
            raise waits.TooLate(f"the browser of {self.user} does not hear {hz} Hz: {heard}, "
                                f"{self.stats()}\n{last}") from None
