"""sotto under load: the server, the phones, the small programs that measure one layer."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
DOMAIN = "bench.example"
LOAD_CPU, SERVER_CPU = (0, 1) if os.cpu_count() > 1 else (0, 0)
WAIT = 20

CONF = f"""[server]
domain = {DOMAIN}
[sip]
listen = udp:127.0.0.1:5060, tcp:127.0.0.1:5060, tls:127.0.0.1:5061
[media]
ports = 10000-32699
[limits]
calls = 6000
connections = 20000
registrations = 200000
"""


def median(values):
    return statistics.median(values)


def seed(folder, *args):
    folder.mkdir(mode=0o700)
    subprocess.run([BUILD / "bench-seed", folder, *map(str, args)], check=True)
    (folder / "sotto.conf").write_text(CONF)


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text() if Path(f"/proc/{pid}").exists() else ""
    return [int(p) for p in text.split()]


def server_cpu():
    os.sched_setaffinity(0, {SERVER_CPU})


def load_cpu():
    os.sched_setaffinity(0, {LOAD_CPU})


class Server:
    """One `sotto serve` over a copy of a seeded data folder, on its own core."""

    def __init__(self, seeded, tmp):
        self.data = Path(tempfile.mkdtemp(dir=tmp))
        shutil.copytree(seeded, self.data, dirs_exist_ok=True)
        self.data.chmod(0o700)
        self.log = open(self.data / "log", "w")
        self.started = time.monotonic()
        self.process = subprocess.Popen([BUILD / "sotto", "serve", "-d", self.data], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        preexec_fn=server_cpu)
        if self.process.stdout.readline() != "ready\n":
            sys.exit("the server did not start:\n" + (self.data / "log").read_text())
        self.ready_after = time.monotonic() - self.started
        supervisor, = children(self.process.pid)
        self.roles = {"keeper": self.process.pid, "supervisor": supervisor}
        for pid in children(supervisor):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().split()
            self.roles[words[-1]] = pid

    def pids(self):
        return ",".join(str(p) for p in self.roles.values())

    def memory(self):
        """Bytes of all roles: private and shared pages, the latter divided among those that map them. Not those
        of programs and libraries: other processes of the machine that come and go change their shares."""
        total = 0
        for pid in self.roles.values():
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(int(kb) * 1024 for kb in re.findall(r"(?m)^Pss_(?:Anon|Shmem): +(\d+) kB", text))
        return total

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # Calls that a run has left behind are not waited for.
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(WAIT)
        self.log.close()
        shutil.rmtree(self.data)


def load_argv(what, transport, options):
    argv = [BUILD / "bench-load", what, "--transport", transport, "--server",
            f"127.0.0.1:{dict(tls=5061, wss=8443).get(transport, 5060)}"]
    for key, value in options.items():
        argv += [f"--{key}"] if value is True else [f"--{key}", str(value)]
    return list(map(str, argv))


def load(pids, what, transport, **options):
    """What bench-load prints, with `us`: microseconds of CPU per operation by pid, and their sum."""
    done = subprocess.run(load_argv(what, transport, {**options, "pids": pids}), text=True, check=False,
                          capture_output=True, preexec_fn=load_cpu, timeout=100)
    if done.returncode:
        raise RuntimeError(f"{what} {transport}: {done.stderr.strip()}")
    result = json.loads(done.stdout)
    if result["failures"]:
        raise RuntimeError(f"{what} {transport}: {result['failures']} failures, first: {result['first_failure']}")
    result["us"] = {int(p): ns / 1000 / result["done"] for p, ns in result["cpu_ns"].items()}
    result["all"] = sum(result["us"].values())
    return result


class Held:
    """Phones that stay registered, or calls that stay up, while the body runs."""

    def __init__(self, transport, **options):
        self.process = subprocess.Popen(load_argv("hold", transport, options), text=True, preexec_fn=load_cpu,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.wait()

    def wait(self):
        line = self.process.stdout.readline()
        if not line or json.loads(line)["failures"]:
            self.process.kill()
            raise RuntimeError(f"hold: {line.strip()}")

    def more_calls(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(WAIT)


def program(name, *args, timeout=120):
    done = subprocess.run([BUILD / name, *map(str, args)], text=True, capture_output=True, check=False,
                          timeout=timeout, preexec_fn=server_cpu)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def program_rows(name, pattern, runs, *args):
    """Medians over runs of the numbers that a bench program prints: {key: value}."""
    seen = {}
    for _ in range(runs):
        for m in re.finditer(pattern, program(name, *args)):
            seen.setdefault(m.group(1).strip(), []).append(float(m.group(2)))
    return {k: median(v) for k, v in seen.items()}
