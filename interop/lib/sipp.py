"""SIPp: one scenario file of interop/sipp/ with a user's name and password. It knows no TLS and no SRTP
here; it is for signalling, and for what must be refused."""
import itertools
import re
import shutil
import subprocess
from pathlib import Path

from . import space, waits
from .server import DOMAIN, PASSWORD, PORTS

SCENARIOS = Path(__file__).resolve().parents[1] / "sipp"
SOUND = "sound.pcmu"  # what uac_media sends, a second
SECONDS = 40  # for one scenario
numbers = itertools.count()


class Sipp:
    """One run of a scenario, a context manager; finish() gives its exit status."""

    def __init__(self, folder, server, scenario, *, user="", target="", transport="udp", port=None,
                 media=None, password=PASSWORD, options=()):
        number = next(numbers)
        self.name = f"sipp-{number}-{scenario}"
        self.folder = Path(folder) / self.name
        self.folder.mkdir()
        (self.folder / SOUND).write_bytes(bytes(range(256)) * 32)  # of PCMU: each packet differs
        self.port = port or 16000 + 10 * number
        self.media = media or 42000 + 10 * number
        mode = {"udp": "u1", "tcp": "t1"}[transport]
        self.command = [
            shutil.which("sipp"), f"{server.host}:{PORTS[transport]}", "-sf",
            SCENARIOS / f"{scenario}.xml", "-m", "1", "-s", target or user, "-au", user, "-ap",
            password, "-i", space.HOST, "-p", str(self.port), "-mp", str(self.media), "-mi",
            space.HOST, "-t", mode, "-nostdin", "-timeout", str(SECONDS), "-timeout_error",
            "-key", "domain", DOMAIN, "-key", "user", user, "-trace_err", "-error_file",
            self.folder / "errors", "-trace_msg", "-message_file", self.folder / "messages",
            *options]
        self.process = self.out = None

    def start(self):
        self.process = subprocess.Popen(self.command, text=True, errors="replace", cwd=self.folder,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.out = waits.Lines(self.name, self.process.stdout, self.folder / "log")
        return self

    def finish(self):
        """Waits for its end, which must be a good one."""
        status = self.process.wait(SECONDS + waits.PATIENCE)
        assert status == 0, f"{self.name}: status {status}\n{self.errors()}\n{self.messages()}"

    def errors(self):
        path = self.folder / "errors"
        return path.read_text(errors="replace") if path.exists() else ""

    def messages(self):
        path = self.folder / "messages"
        return path.read_text(errors="replace") if path.exists() else ""

    def wait_message(self, pattern):
        """A message sent or received."""
        waits.until(f"{pattern!r} in {self.name}'s messages",
                    lambda: re.search(pattern, self.messages()))

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
