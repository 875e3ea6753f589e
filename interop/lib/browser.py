"""A browser as a phone: Chromium with the test page of interop/browser, which is JsSIP and little else.
The page is given to the browser as if it came from the server, so that its origin is the server's."""
import json
import os
import subprocess
from pathlib import Path

from . import space, waits
from .cases import RESULTS
from .server import DOMAIN, PASSWORD

HERE = Path(__file__).resolve().parents[1] / "browser"
ROOT = Path(__file__).resolve().parents[2]
BLOCK_SECONDS = 0.1  # as interop/browser/ear.ts has it
BARE = "<!doctype html><meta charset=utf-8><title>{0}</title><script src={0}.js></script>"


def enter(*tools):
    """As space.enter, with the test pages' programs made before: within there is no network."""
    space.need("chromium", "node", "npm", "openssl", *tools)
    if "SOTTO_IN_NETNS" not in os.environ:
        make()
    space.enter(*tools)


def make():
    """Skips the script where it cannot be made."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    for command in ([ROOT / "tools" / "build-web", "--need"], ["node", HERE / "build.mjs", RESULTS]):
        done = subprocess.run(command, text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if "could not fetch" in done.stdout:
            space.skip("npm cannot fetch the test pages' packages")
        assert done.returncode == 0, f"{command}:\n{done.stdout}"


def files(base, name):
    """What Chromium is given of a test page, {base}page.html (devtools.Page.provide)."""
    return {f"{base}page.html": ("text/html", BARE.format(name).encode()),
            f"{base}{name}.js": ("text/javascript", (RESULTS / f"{name}.js").read_bytes())}


class Ears:
    """What the test pages have in common: `rig` is the page's object, `page` the page."""
    rig = "rig"

    def run(self, code):
        return self.page.run(code)

    def wait(self, word, after=0, seconds=waits.PATIENCE):
        return self.page.wait_console(word, after, seconds)

    def mark(self):
        return self.page.news.mark()

    def stats(self):
        return self.run(f"{self.rig}.stats()")

    def sdp(self):
        """Every session description that it sent and got, newest last."""
        return [n["text"] for n in self.page.news.since() if n["text"].startswith("SDP ")]

    def sound_mark(self):
        return self.run(f"{self.rig}.mark()")

    def wait_tone(self, hz, seconds=1.0, since=0, patience=waits.PATIENCE):
        """Until the tone has been heard for so long behind the mark."""
        heard = {}

        def probe():
            heard.update(self.run(f"{self.rig}.heard({hz}, {since})"))
            return heard["seconds"] >= seconds
        try:
            waits.until("", probe, patience)
        except waits.TooLate:
            last = "\n".join(f"    {n['text'][:1500]}" for n in self.page.news.since()[-8:])
            raise waits.TooLate(f"the browser of {self.user} does not hear {hz} Hz: {heard}, "
                                f"{self.stats()}\n{last}") from None

    def wait_silence(self, seconds=1.0):
        """Until it has heard nothing for so long."""
        mark = self.sound_mark()

        def probe():
            nonlocal mark
            heard = self.run(f"{self.rig}.heard(0, {mark})")
            if heard["loud"]:
                mark += heard["blocks"]
                return False
            return heard["blocks"] >= seconds / BLOCK_SECONDS
        waits.until(f"silence in the browser of {self.user}", probe)


class Browser(Ears):
    """One phone, a context manager: a page, registered on entry unless `register` is off. Its Chromium
    is the stage's, which starts one for each tone that a microphone is to hear."""

    def __init__(self, stage, user, *, hz=440, answer=True, register=True):
        self.user, self.server = user, stage.server
        self.answer, self.register = answer, register
        self.chromium = stage.chromium(hz)
        self.page = None

    def __enter__(self):
        base = f"https://{self.server.web}/rig/"
        self.page = self.chromium.page(f"{base}page.html", files=files(base, "rig"))
        account = {"ws": f"wss://{self.server.web}/sip", "uri": f"sip:{self.user}@{DOMAIN}",
                   "password": PASSWORD}
        self.run(f"rig.start({json.dumps(account)}, {json.dumps(self.answer)})")
        if self.register:
            self.wait("REGISTERED")
        return self

    def __exit__(self, kind, *_):
        if not kind and self.register:
            mark = self.mark()
            self.run("rig.stop()")
            self.wait("UNREGISTERED", mark)
        self.page.close()

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
