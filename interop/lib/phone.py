"""`sotto phone` and `sotto call`: the project's own phone, one JSON object a line."""
import json
import signal
import subprocess

from . import waits
from .server import DOMAIN, PASSWORD, SOTTO


class Phone:
    """`sotto phone` or `sotto call TARGET`, a context manager; what it prints are its events."""

    def __init__(self, server, user, *options, call=None, transport="tls", port=5061, psk=None):
        verb = ["call", call] if call else ["phone"]
        self.command = [SOTTO, *verb, "--as", f"{user}@{DOMAIN}", "--server",
                        f"{server.host}:{port}", "--transport", transport, "--password-stdin",
                        "--ca", server.ca, "--json", *map(str, options)]
        self.stdin = PASSWORD + "\n"
        if psk:  # MIKEY's key, base64
            self.command.append("--mikey-psk-stdin")
            self.stdin += psk + "\n"
        self.user = user
        self.process = self.out = self.log = None

    def start(self):
        self.process = subprocess.Popen(self.command, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.process.stdin.write(self.stdin)
        self.process.stdin.close()
        self.out = waits.Lines(f"sotto phone {self.user}", self.process.stdout)
        self.log = waits.Lines(f"sotto phone {self.user}'s log", self.process.stderr)
        return self

    def wait(self, event, after=0):
        _, m = self.out.wait_line(rf'^{{.*"event": ?"{event}".*}}$', after)
        return json.loads(m[0])

    def finish(self, seconds=waits.PATIENCE):
        """(exit status, the last object printed)"""
        status = self.process.wait(seconds)
        self.out.thread.join(waits.PATIENCE)
        self.log.thread.join(waits.PATIENCE)
        lines = [line for line in self.out.since() if line.startswith("{")]
        assert lines, f"it printed nothing; status {status}\n{self.log.text()}"
        return status, json.loads(lines[-1])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.finish()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
