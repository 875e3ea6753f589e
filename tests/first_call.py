#!/usr/bin/python3
"""The README's first five minutes in an empty folder, with nothing said that it does not say: a server,
two users, a call to echo, what `sotto show` tells, a phone that calls another."""
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from lib import server, space, waits  # noqa: E402

space.enter()


class Walk:
    """What one types in the README's two terminals."""

    def __init__(self, folder):
        self.folder = folder
        self.serve = subprocess.Popen([server.SOTTO, "serve", "-d", "data"], cwd=folder, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE)
        self.log = waits.Lines("server's log", self.serve.stderr)
        self.out = waits.Lines("server", self.serve.stdout)

    def sotto(self, *args):
        """stdout of `sotto ARGS -d data`"""
        done = subprocess.run([server.SOTTO, *args, "-d", "data"], cwd=self.folder, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
                              check=False)
        assert done.returncode == 0, f"sotto {' '.join(args)}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def add_users(self):
        mode = (self.folder / "data").stat().st_mode & 0o777
        assert mode == 0o700, f"the data folder's mode is {mode:o}"
        passwords = set()
        for name in ("1000", "1001"):
            told = self.sotto("user", "add", name)
            found = re.search(r"\b[a-z2-9]{18}\b", told)
            assert found, f"no password in: {told}"
            passwords.add(found[0])
        assert len(passwords) == 2, "two users have one password"
        listed = json.loads(self.sotto("user", "list", "--json"))
        assert len(listed) == 2 and not any(p in json.dumps(listed) for p in passwords), listed

    def call_echo(self):
        told = self.sotto("call", "echo", "--as", "1000", "--play", "tone:440", "--seconds", "3",
                          "--json")
        end = json.loads(told.splitlines()[-1])
        assert end["result"] == "answered" and end["status"] == 200, end
        assert end["signalling"]["transport"] == "tls", end
        assert end["signalling"]["version"] == "TLSv1.3", end
        assert end["signalling"]["peer_verified"], "the server's certificate was not verified"
        assert end["media"]["keying"] == "sdes" and end["media"]["suite"], end
        assert abs(end["audio"]["tone_hz"] - 440) < 5, end["audio"]
        print(f"   echo: {end['audio']}")

    def phone_to_phone(self):
        phone = subprocess.Popen([server.SOTTO, "phone", "--as", "1001", "--answer", "--echo",
                                  "--json", "-d", "data"], cwd=self.folder, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        out = waits.Lines("phone", phone.stdout)
        log = waits.Lines("phone's log", phone.stderr)
        try:
            out.wait_line('"registered"')
            call = subprocess.Popen([server.SOTTO, "call", "1001", "--as", "1000", "--play",
                                     "tone:440", "--seconds", "3", "--json", "-d", "data"],
                                    cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE)
            out.wait_line('"answered"')
            self.show()
            told, _ = call.communicate(timeout=30)
        finally:
            phone.send_signal(signal.SIGTERM)
            status = phone.wait(waits.PATIENCE)
        assert status == 0, log.text()
        end = json.loads(told.splitlines()[-1])
        assert end["result"] == "answered" and abs(end["audio"]["tone_hz"] - 440) < 5, end

    def show(self):
        calls = json.loads(self.sotto("show", "calls", "--json"))
        shown = [c for c in calls if c["state"] == "answered"]
        assert len(shown) == 1 and len(shown[0]["legs"]) == 2, calls
        for leg in shown[0]["legs"]:
            assert leg["media"]["keying"] == "sdes", leg
            assert leg["signalling"]["transport"] == "tls", leg
        people = self.sotto("show", "calls")
        assert "1000" in people and "1001" in people and "sdes" in people.lower(), people
        registrations = self.sotto("show", "registrations")
        assert "1001" in registrations, registrations

    def leave(self):
        self.serve.send_signal(signal.SIGTERM)
        status = self.serve.wait(40)
        assert status == 0, f"status {status}\n{self.log.text()}"

    def run(self):
        self.out.wait_line("^ready$")
        for step in (self.add_users, self.call_echo, self.phone_to_phone, self.leave):
            step()
            print(f"ok {step.__name__}", flush=True)


def main():
    walk = Walk(space.folder())
    try:
        walk.run()
    except BaseException:
        print(walk.log.text())
        raise
    finally:
        if walk.serve.poll() is None:
            walk.serve.kill()


os.environ.pop("SOTTO_DATA", None)
main()
