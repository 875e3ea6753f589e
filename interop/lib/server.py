"""`sotto serve`, its users, and what it says of itself."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from . import space, waits

SOTTO = os.environ.get("SOTTO", str(Path(__file__).resolve().parents[2] / "build" / "sotto"))
DOMAIN = "sotto.test"
PASSWORD = "half-a-tone-and-a-half"  # of every user that a script makes
# The media role's way in and out, for scripts that are run on each: auto, shared, streams.
MEDIA_PATH = os.environ.get("SOTTO_MEDIA_PATH", "auto")
PORTS = {"tls": 5061, "tcp": 5060, "udp": 5060, "wss": 8443, "ws": 8080}


class Server:
    """One server in a folder of its own; a context manager. One media worker, whatever the machine has."""

    def __init__(self, folder, *, listen=("tls",), settings="", host=space.HOST, workers=1):
        self.folder = Path(folder) / "server"
        self.folder.mkdir(mode=0o700)
        self.data = self.folder / "data"
        self.host = host
        self.config = self.folder / "sotto.conf"
        addresses = ", ".join(f"{kind}:{host}:{PORTS[kind]}" for kind in listen)
        self.config.write_text(f"[server]\ndomain = {DOMAIN}\nshutdown_grace = none\n\n"
                               f"[media]\npath = {MEDIA_PATH}\nworkers = {workers}\n\n"
                               f"[sip]\nlisten = {addresses}\nadvertise = {host}\n\n{settings}")
        self.process = self.log = self.out = None

    def start(self):
        self.process = subprocess.Popen(
            [SOTTO, "serve", "-d", self.data, "-c", self.config], text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log = waits.Lines("server's log", self.process.stderr, self.folder / "log")
        self.out = waits.Lines("server", self.process.stdout)
        self.out.wait_line("^ready$")
        if MEDIA_PATH != "auto":
            self.log.wait_line(f"media_path path={MEDIA_PATH}( |$)")
        return self

    def stop(self):
        """The exit status; a server that does not leave is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(waits.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def ca(self):
        return self.data / "tls" / "ca.crt"

    @property
    def certificate(self):
        return self.data / "tls" / "server.crt"

    @property
    def web(self):
        """Where the console, the page and SIP over WebSocket are."""
        return f"{self.host}:{PORTS['wss']}"

    # --- the command line ---

    def run(self, *args, stdin=None):
        """(status, stdout, stderr) of `sotto ARGS -d DATA`."""
        done = subprocess.run([SOTTO, *args, "-d", self.data], text=True, input=stdin or "",
                              capture_output=True, timeout=waits.PATIENCE, check=False)
        return done.returncode, done.stdout, done.stderr

    def cli(self, *args, stdin=None):
        status, out, err = self.run(*args, stdin=stdin)
        if status:
            raise AssertionError(f"sotto {' '.join(args)}: status {status}\n{out}{err}")
        return out

    def add_user(self, name, **policy):
        """add_user("1000", protection="off", transport="udp,tcp"); psk: MIKEY's key, base64"""
        psk = policy.pop("psk", None)
        options = [part for key, value in policy.items() for part in (f"--{key}", value)]
        stdin = PASSWORD + "\n"
        if psk:
            options.append("--mikey-psk-stdin")
            stdin += psk + "\n"
        self.cli("user", "add", name, "--password-stdin", *options, stdin=stdin)
        return name

    def show(self, what, *options):
        return json.loads(self.cli("show", what, "--json", *options))

    # --- calls ---

    def calls(self):
        """Calls that go on; refused ones are shown too for a while, as ended."""
        return [c for c in self.show("calls") if c["state"] != "ended"]

    def answered(self, legs=2):
        """The one call, once it is answered and `legs` of it are there."""
        def probe():
            found = [c for c in self.calls() if c["state"] == "answered" and len(c["legs"]) == legs]
            return found[0] if len(found) == 1 else None
        return waits.until("one answered call in `sotto show calls`", probe)

    def media_goes_on(self, packets=25):
        """Waits until both legs of the one call have received that many more."""
        def counts():
            return [leg["rx"]["packets"] for leg in self.answered()["legs"]]
        before = counts()
        waits.until("media in both directions",
                    lambda: all(now >= was + packets for now, was in zip(counts(), before)))

    def wait_no_call(self):
        waits.until("no call in `sotto show calls`", lambda: not self.calls())

    def cdrs(self):
        return [json.loads(line) for path in sorted((self.data / "cdr").glob("*.jsonl"))
                for line in path.read_text(encoding="utf-8").splitlines()]

    def wait_cdr(self, count):
        """The newest call record, once there are `count` of them."""
        return waits.until(f"call record number {count}",
                           lambda: len(self.cdrs()) >= count and self.cdrs()[count - 1])

    # --- roles ---

    def roles(self):
        """{name: pid}, as the kernel knows them: works while a role is away. "media.0" and "media.1" where
        media has several workers."""
        found, look = {}, [self.process.pid]
        while look:
            at = look.pop()
            try:
                children = Path(f"/proc/{at}/task/{at}/children").read_text(encoding="ascii").split()
                words = Path(f"/proc/{at}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it has gone meanwhile
            look += map(int, children)  # roles are the supervisor's children, or its keeper's
            if words[1:2] == [b"role"]:
                found[b".".join(w for w in words[2:4] if w).decode()] = at
            elif at != self.process.pid:
                found["supervisor"] = at
        return found

    def signal_role(self, name, what=signal.SIGKILL):
        os.kill(self.roles()[name], what)

    def kill_role(self, name):
        """kill -9; seconds until the role is ready again."""
        mark, start = self.log.mark(), time.monotonic()
        self.signal_role(name)
        back = "supervisor_back " if name == "supervisor" else rf"role_ready.*role={name}\b"
        when, _ = self.log.wait_line(back, mark)
        return when - start
