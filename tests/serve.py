#!/usr/bin/python3
"""`sotto serve` from outside: start, mistakes, taken ports, dying roles, reload, leaving.

Runs in a network namespace of its own, so that fixed ports clash with nobody's.
"""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SOTTO = os.environ.get("SOTTO", "build/sotto")
ROLES = ("signal", "media", "web")
RESTART_LIMIT = 0.5  # seconds from kill -9 to ready again
WAIT = 20  # for anything that must happen


def enter_namespace():
    if os.environ.get("SOTTO_IN_NETNS"):
        return
    env = dict(os.environ, SOTTO_IN_NETNS="1")
    for flags in (["-n"], ["-Urn"]):
        if subprocess.run(["unshare", *flags, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            script = 'ip link set lo up && exec "$@"'
            os.execvpe("unshare", ["unshare", *flags, "sh", "-c", script, "sh", sys.executable, __file__,
                                   *sys.argv[1:]], env)
    print("SKIP: cannot make a network namespace")
    sys.exit(77)


class Server:
    """One `sotto serve`; its log is collected line by line."""

    def __init__(self, data, *args, env=None):
        self.started = time.monotonic()
        self.process = subprocess.Popen([SOTTO, "serve", "-d", str(data), *args], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=env)
        self.lines = []
        self.news = threading.Condition()
        self.reader = threading.Thread(target=self.read_log, daemon=True)
        self.reader.start()

    def read_log(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append((time.monotonic(), line.rstrip("\n")))
                self.news.notify_all()
        with self.news:
            self.lines.append((time.monotonic(), "(end of log)"))
            self.news.notify_all()

    def wait_log(self, pattern, after=0):
        """(time, line, index) of the first line from index `after` on that matches."""
        until = time.monotonic() + WAIT
        at = after
        with self.news:
            while True:
                while at < len(self.lines):
                    when, line = self.lines[at]
                    at += 1
                    if re.search(pattern, line):
                        return when, line, at
                left = until - time.monotonic()
                if left <= 0 or not self.news.wait(left):
                    raise AssertionError(f"no log line like {pattern!r} in:\n{self.log()}")

    def log(self):
        return "\n".join(line for _, line in self.lines)

    def wait_ready(self):
        line = self.process.stdout.readline()
        assert line == "ready\n", f"stdout said {line!r}; log:\n{self.log()}"
        return time.monotonic() - self.started

    def mark(self):
        with self.news:
            return len(self.lines)

    def family(self):
        """{pid: command line} of the children, and theirs: roles are the supervisor's, or the keeper's when
        theirs has died."""
        out = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], text=True, capture_output=True,
                             check=False).stdout
        rows = [(int(p), int(pp), args) for p, pp, args in re.findall(r"(?m)^ *(\d+) +(\d+) (.*)$", out)]
        own = {p for p, pp, _ in rows if pp == self.process.pid}
        return {p: args for p, pp, args in rows if p in own or pp in own}

    def pids(self):
        found = {pid: re.fullmatch(r"sotto role (\w+)", args) for pid, args in self.family().items()}
        return {m[1]: pid for pid, m in found.items() if m}

    def supervisor(self):
        return next(pid for pid, args in self.family().items() if " serve " in args)

    def end(self):
        status = self.process.wait(timeout=WAIT)
        self.reader.join(timeout=WAIT)
        return status

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.end()
        assert self.process.stdout.read() == "", "more than `ready` on stdout"
        assert not re.search(r"role_ended .*status=[1-9]", self.log()), self.log()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(*args):
    done = subprocess.run([SOTTO, *map(str, args)], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=WAIT, check=False)
    return done.returncode, done.stdout, done.stderr


def write(path, text):
    Path(path).write_text(text)


CONF = "[media]\nworkers = 1\n[sip]\nlisten = tls:127.0.0.1:5071\n"


# --- the tests ----------------------------------------------------------------------------------

def first_start_is_secure_and_says_how_to_go_on(tmp):
    data = tmp / "data"
    with Server(data) as s:
        print(f"  ready after {s.wait_ready() * 1000:.0f} ms")
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "control.sock").stat().st_mode) == 0o600
        s.wait_log(re.escape(f"sotto user add 1000 -d {data}"))
        s.wait_log(re.escape(f"{data}/tls/ca.crt"))
        s.wait_log("Console: https://")
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as c:
                c.connect((host, 5061))
            with socket.socket(family) as c:
                c.connect((host, 8443))
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):  # nothing on the port in clear
            with socket.socket(socket.AF_INET, kind) as c:
                c.bind(("0.0.0.0", 5060))
        assert set(s.pids()) == set(ROLES), s.pids()
        assert s.stop() == 0


def check_names_mistakes(tmp):
    conf = tmp / "sotto.conf"
    write(conf, "[sip]\nlisen = tls:[::]:5061\n[media]\nports = 1-2\n")
    status, out, err = run("serve", "--check", "-c", conf)
    assert status == 3 and out == "", (status, out)
    assert f"{conf}:2: [sip] lisen: unknown key; did you mean `listen`?" in err, err
    assert f"{conf}:4: [media] ports = 1-2: not allowed; allowed: LOW-HIGH" in err, err
    write(conf, "[media]\nworkers = 3\nports = 20000-20511\n")
    status, _, err = run("serve", "--check", "-c", conf)
    assert status == 3 and f"{conf}: [media] workers = 3: allowed with ports = 20000-20511: auto, or 1 to 2," in err, err
    write(conf, "[sip]\nlisten = udp:127.0.0.1:5060\n")
    status, out, err = run("serve", "--check", "-c", conf)
    assert status == 0 and "warning: [sip] listen: udp:127.0.0.1:5060 is not encrypted" in err, err
    assert "listen = udp:127.0.0.1:5060\n" in out, out
    # What it shows is itself a valid file.
    write(conf, out)
    assert run("serve", "--check", "-c", conf)[1] == out
    assert run("serve", "-c", tmp / "none.conf")[0] == 3
    write(conf, "[server]\nuser = no-such-account\n")
    if os.geteuid() == 0:
        status, _, err = run("serve", "-c", conf, "-d", tmp / "data")
        assert status == 3 and "there is no such account" in err, err


def usage_mistakes(_):
    assert run("serve", "--wrong")[0] == 2
    assert run("serve", "extra")[0] == 2
    assert run("no-such-verb")[0] == 2
    assert run()[0] == 2
    assert run("role", "nothing")[0] == 2
    status, out, _ = run("version")
    assert status == 0 and out.startswith("sotto "), out


def a_taken_port_is_named(tmp):
    write(tmp / "c.conf", CONF)
    with socket.socket() as c:
        c.bind(("127.0.0.1", 5071))
        c.listen()
        status, out, err = run("serve", "-d", tmp / "data", "-c", tmp / "c.conf")
    assert status == 4 and out == "", (status, out)
    assert "port 5071/tcp is taken" in err and "ss -H" in err, err


def an_address_that_is_not_ours_is_a_mistake(tmp):
    write(tmp / "c.conf", "[sip]\nlisten = tls:192.0.2.1:5061\n")
    status, _, err = run("serve", "-d", tmp / "data", "-c", tmp / "c.conf")
    assert status == 3 and "192.0.2.1" in err, (status, err)


def two_servers_cannot_share_a_folder(tmp):
    write(tmp / "a.conf", CONF)
    write(tmp / "b.conf", CONF.replace("5071", "5072"))
    with Server(tmp / "data", "-c", str(tmp / "a.conf")) as s:
        s.wait_ready()
        status, _, err = run("serve", "-d", tmp / "data", "-c", tmp / "b.conf")
        assert status == 4 and f"process {s.process.pid}" in err, (status, err)
        assert s.stop() == 0
    with Server(tmp / "data", "-c", str(tmp / "b.conf")) as s:  # the lock went with its owner
        s.wait_ready()
        assert s.stop() == 0


def killed_roles_come_back_at_once(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        for role in ROLES:
            mark, old = s.mark(), s.pids()
            start = time.monotonic()
            os.kill(old[role], signal.SIGKILL)
            s.wait_log(rf"role_killed role={role} signal=9 name=KILL", mark)
            when, _, _ = s.wait_log(rf"role_ready role={role} .*restarts=1$", mark)
            took = when - start
            print(f"  {role}: {took * 1000:.1f} ms")
            assert took < RESTART_LIMIT, f"{role} took {took:.3f} s"
            new = s.pids()
            assert new[role] != old[role]
            assert all(new[r] == old[r] for r in ROLES if r != role), "another role was touched"
        with socket.create_connection(("127.0.0.1", 5071)):  # the socket outlived its role
            pass
        assert s.stop() == 0


def all_roles_at_once(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        mark = s.mark()
        for pid in s.pids().values():
            os.kill(pid, signal.SIGKILL)
        for role in ROLES:
            s.wait_log(rf"role_ready role={role} .*restarts=1$", mark)
        assert s.stop() == 0


def a_role_that_dies_again_and_again_is_paused_for(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        at = s.mark()
        for n in range(1, 6):
            start = time.monotonic()
            os.kill(s.pids()["media"], signal.SIGKILL)
            when, _, at = s.wait_log(rf"role_ready role=media .*restarts={n}$", at)
            if n < 5:
                assert when - start < RESTART_LIMIT, (n, when - start)
            else:
                assert 0.9 < when - start < 5, when - start
        assert s.stop() == 0


def a_hanging_role_is_replaced(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        mark, start = s.mark(), time.monotonic()
        os.kill(s.pids()["media"], signal.SIGSTOP)
        s.wait_log("role_hangs role=media", mark)
        when, _, _ = s.wait_log("role_ready role=media .*restarts=1$", mark)
        assert 3.5 < when - start < 15, when - start
        assert s.stop() == 0


def all_end_with_their_keeper(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        pids = s.family()
        assert len(pids) == 1 + len(ROLES), pids
        s.process.kill()
        s.end()
        wait_end_of(pids)
        assert "keeper_gone" in s.log(), s.log()


def wait_end_of(pids):
    until = time.monotonic() + WAIT
    while any(Path(f"/proc/{p}/exe").is_symlink() and alive(p) for p in pids):
        assert time.monotonic() < until, "a process outlived its keeper"
        time.sleep(0.01)


def kill_supervisor(s, n):
    """For the n-th time."""
    mark = s.mark()
    os.kill(s.supervisor(), signal.SIGKILL)
    s.wait_log(rf"supervisor_back .*restarts={n}$", mark)
    return mark


def a_killed_supervisor_is_replaced_and_roles_go_on(tmp):
    conf = tmp / "c.conf"
    write(conf, CONF)
    with Server(tmp / "data", "-c", str(conf)) as s, socket.socket(socket.AF_UNIX) as control:
        s.wait_ready()
        before, old = s.pids(), s.supervisor()
        control.connect(str(tmp / "data/control.sock"))
        mark = kill_supervisor(s, 1)
        assert s.pids() == before and s.supervisor() != old
        with Control(tmp / "data") as c:
            roles = {r["role"]: r for r in c.ask("show roles")["result"]}
            assert {r: roles[r]["pid"] for r in ROLES} == before, roles
            assert [roles[r]["restarts"] for r in ("supervisor", *ROLES)] == [1, 0, 0, 0], roles
        # the next one does all that the first did: restarts what dies, reloads …
        os.kill(before["signal"], signal.SIGKILL)
        s.wait_log("role_gone role=signal", mark)
        s.wait_log("role_ready role=signal .*restarts=1$", mark)
        write(conf, CONF + "[server]\nshutdown_grace = 17s\n")
        s.process.send_signal(signal.SIGHUP)
        s.wait_log(" reloaded", mark)
        # … and what was in force is in force in the one after that, whatever the file says now
        write(conf, "nonsense\n")
        kill_supervisor(s, 2)
        now = s.pids()
        assert now["signal"] != before["signal"] and {**now, "signal": 0} == {**before, "signal": 0}
        os.kill(now["web"], signal.SIGKILL)
        s.wait_log("role_ready role=web .*restarts=1$", mark)
        assert control.fileno() >= 0 and "supervisor_killed signal=9" in s.log()
        assert s.stop() == 0
        s.wait_log("stopping grace_s=17", mark)
        assert s.log().count(" ready pid=") == 1, s.log()


def a_role_and_the_supervisor_at_once(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        for n in range(1, 4):
            mark, supervisor = s.mark(), s.supervisor()
            os.kill(supervisor, signal.SIGSTOP)  # so that it is not the one to see the role die
            os.kill(s.pids()["media"], signal.SIGKILL)
            os.kill(supervisor, signal.SIGKILL)
            s.wait_log(rf"role_ready role=media .*restarts={n}$", mark)
        assert s.stop() == 0


def a_supervisor_killed_while_it_leaves(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        silent = s.pids()["signal"]
        os.kill(silent, signal.SIGSTOP)  # does not say that no call is left
        s.process.send_signal(signal.SIGTERM)
        s.wait_log(" stopping")
        mark = kill_supervisor(s, 1)
        s.wait_log(" stopping", mark)
        os.kill(silent, signal.SIGCONT)
        assert s.end() == 0, s.log()


def a_supervisor_that_dies_again_and_again_is_given_up(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        for n in range(1, 5):
            kill_supervisor(s, n)
        pids = s.family()
        os.kill(s.supervisor(), signal.SIGKILL)
        assert s.end() == 1
        wait_end_of(pids)
        assert "dies again and again" in s.log()


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def terminal_signals_do_not_reach_roles(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        before = s.pids()
        for pid in before.values():
            for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, sig)
        s.process.send_signal(signal.SIGHUP)
        s.wait_log(" reloaded")
        assert s.pids() == before
        s.process.send_signal(signal.SIGINT)
        assert s.end() == 0


def a_bad_reload_leaves_the_old_settings(tmp):
    conf = tmp / "c.conf"
    write(conf, CONF)
    with Server(tmp / "data", "-c", str(conf)) as s:
        s.wait_ready()
        before, mark = s.pids(), s.mark()
        write(conf, CONF + "[log]\nlevl = debug\n")
        s.process.send_signal(signal.SIGHUP)
        _, line, at = s.wait_log("reload_refused", mark)
        assert "old settings stay in force" in line, line
        assert "did you mean `level`" in s.log()
        write(conf, CONF.replace("5071", "5075").replace("workers = 1", "workers = 2") + "[log]\nlevel = debug\n")
        s.process.send_signal(signal.SIGHUP)
        _, line, _ = s.wait_log("needs_restart", at)
        assert "[sip] listen" in line and "[media] workers" in line, line
        s.wait_log(" reloaded", at)
        assert s.pids() == before
        assert "reload_failed" not in s.log(), s.log()
        assert s.stop() == 0


def leaving(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        start = time.monotonic()
        assert s.stop() == 0
        assert time.monotonic() - start < 2
        assert "calls_left calls=0" in s.log()
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:  # a signal role that says nothing
        s.wait_ready()
        os.kill(s.pids()["signal"], signal.SIGSTOP)
        s.process.send_signal(signal.SIGTERM)
        s.wait_log(" stopping")
        s.process.send_signal(signal.SIGTERM)
        s.wait_log("leaving_at_once")
        assert s.end() == 0


def systemd_is_told(tmp):
    write(tmp / "c.conf", CONF)
    path = tmp / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as n:
        n.bind(str(path))
        n.settimeout(WAIT)
        env = dict(os.environ, NOTIFY_SOCKET=str(path), WATCHDOG_USEC="200000")
        with Server(tmp / "data", "-c", str(tmp / "c.conf"), env=env) as s:
            s.wait_ready()
            said = ""

            def until(wanted):
                nonlocal said
                said = ""
                while wanted not in said:
                    said = n.recv(4096).decode()

            until("READY=1\n")
            assert f"MAINPID={s.process.pid}\n" in said, said
            until("WATCHDOG=1\n")
            s.process.send_signal(signal.SIGHUP)
            until("RELOADING=1\nMONOTONIC_USEC=")
            until("READY=1\n")
            s.process.send_signal(signal.SIGTERM)
            until("STOPPING=1\n")
            assert s.end() == 0


class Control:
    """A client of DATA/control.sock."""

    def __init__(self, data):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(WAIT)
        self.socket.connect(str(data / "control.sock"))
        self.lines = self.socket.makefile("r")

    def ask(self, cmd, **args):
        self.socket.sendall(json.dumps({"cmd": cmd, "args": args}).encode() + b"\n")
        return json.loads(self.lines.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.lines.close()
        self.socket.close()


def administration(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        with Control(tmp / "data") as c:
            roles = {r["role"]: r for r in c.ask("show roles")["result"]}
            assert {r: roles[r]["pid"] for r in ROLES} == s.pids(), roles
            assert roles["supervisor"]["pid"] == s.supervisor()
            assert roles["media"]["restarts"] == 0 and roles["media"]["since"].endswith("Z"), roles
            assert roles["media"]["path"] in ("shared", "streams") and roles["media"]["overflowed"] == 0, roles
            os.kill(roles["media"]["pid"], signal.SIGKILL)
            s.wait_log("role_ready role=media .*restarts=1$")
            roles = {r["role"]: r for r in c.ask("show roles")["result"]}
            assert roles["media"]["restarts"] == 1, roles

            assert c.ask("show listeners")["result"] == [
                {"transport": "tls", "address": "127.0.0.1:5071", "encrypted": True},
                {"transport": "wss", "address": "[::]:8443", "encrypted": True},
                {"transport": "wss", "address": "0.0.0.0:8443", "encrypted": True},
                {"transport": "https", "address": "[::]:8443", "encrypted": True},
                {"transport": "https", "address": "0.0.0.0:8443", "encrypted": True}]
            assert c.ask("show calls")["result"] == []
            assert c.ask("show registrations")["result"] == []
            reply = c.ask("user add", name="1000")
            assert reply["ok"] and len(reply["result"]["password"]) >= 16, reply
            reply = c.ask("log level", level="debug")
            assert reply["ok"], reply
            assert not c.ask("log level", level="loud")["ok"]

            mark = s.mark()
            assert c.ask("domain add", name="second.example.org")["ok"]
            s.wait_log("certificate_made", mark)
            s.wait_log(" reloaded", mark)
            names = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in",
                                    str(tmp / "data/tls/server.crt")], text=True,
                                   capture_output=True, check=True).stdout
            assert "DNS:second.example.org" in names, names

            assert c.ask("reload")["ok"]
            write(tmp / "c.conf", CONF + "wrong = 1\n")
            reply = c.ask("reload")
            assert not reply["ok"] and "settings are wrong" in reply["error"], reply
        os.kill(s.pids()["web"], signal.SIGKILL)
        s.wait_log("role_ready role=web .*restarts=1$")
        with Control(tmp / "data") as c:  # the socket outlived its role
            assert [u["name"] for u in c.ask("user list")["result"]] == ["1000"]
        assert s.stop() == 0


def sip_options(sock, serial):
    """Sends OPTIONS and returns the answer's status line."""
    sock.sendall((f"OPTIONS sip:localhost SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bK{serial}"
                  f";rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@localhost>;tag=1\r\n"
                  f"To: <sip:localhost>\r\nCall-ID: call{serial}\r\nCSeq: 1 OPTIONS\r\n"
                  f"Content-Length: 0\r\n\r\n").encode())
    return sock.recv(65536).decode().partition("\r\n")[0]


def a_tls_connection_outlives_the_signal_role(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        context = ssl.create_default_context(cafile=str(tmp / "data/tls/ca.crt"))
        with socket.create_connection(("127.0.0.1", 5071), timeout=WAIT) as plain, \
                context.wrap_socket(plain, server_hostname="localhost") as c:
            assert c.version() in ("TLSv1.2", "TLSv1.3"), c.version()
            for life in range(4):
                answer = sip_options(c, life)
                assert answer.startswith("SIP/2.0 "), (life, answer)
                at = s.mark()
                os.kill(s.pids()["signal"], signal.SIGKILL)
                s.wait_log(r"role_killed role=signal", at)
            s.wait_log(r"role_ready role=signal .*restarts=4$")
            mark = s.mark()  # new certificates leave it alone, too
            s.process.send_signal(signal.SIGHUP)
            s.wait_log(" reloaded", mark)
            assert sip_options(c, 99).startswith("SIP/2.0 ")
        assert s.stop() == 0


def roles_are_locked_in(tmp):
    write(tmp / "c.conf", CONF)
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        if "-asan" in SOTTO or "-tsan" in SOTTO:
            print("  no sandbox in this build")
            assert s.stop() == 0
            return
        for role, pid in s.pids().items():
            facts = dict(re.findall(r"(?m)^(\w+):\t(.*)$", Path(f"/proc/{pid}/status").read_text()))
            assert facts["Seccomp"] == "2", (role, facts["Seccomp"])
            assert facts["NoNewPrivs"] == "1", role
            for caps in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                assert int(facts[caps], 16) == 0, (role, caps, facts[caps])
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size +0 +0 ", limits), role
        assert s.stop() == 0


def roles_run_as_the_owner_of_the_folder(tmp):
    if os.geteuid() != 0 or "-asan" in SOTTO:
        print("  not root: nothing to switch")
        return
    write(tmp / "c.conf", CONF)
    tmp.chmod(0o755)
    (tmp / "data").mkdir(mode=0o700)
    try:
        os.chown(tmp / "data", 12345, 12345)
    except OSError as e:
        print(f"  no second account in this namespace: {e}")
        return
    with Server(tmp / "data", "-c", str(tmp / "c.conf")) as s:
        s.wait_ready()
        for role, pid in s.pids().items():
            uids = re.search(r"(?m)^Uid:\t(.*)$", Path(f"/proc/{pid}/status").read_text()).group(1)
            assert uids.split() == ["12345"] * 4, (role, uids)
        assert (tmp / "data/control.sock").stat().st_uid == 12345
        os.kill(s.pids()["signal"], signal.SIGKILL)
        s.wait_log("role_ready role=signal .*restarts=1$")
        assert s.stop() == 0


TESTS = [
    first_start_is_secure_and_says_how_to_go_on, check_names_mistakes, usage_mistakes,
    a_taken_port_is_named, an_address_that_is_not_ours_is_a_mistake,
    two_servers_cannot_share_a_folder, killed_roles_come_back_at_once, all_roles_at_once,
    a_role_that_dies_again_and_again_is_paused_for, a_hanging_role_is_replaced,
    all_end_with_their_keeper, a_killed_supervisor_is_replaced_and_roles_go_on,
    a_role_and_the_supervisor_at_once, a_supervisor_killed_while_it_leaves,
    a_supervisor_that_dies_again_and_again_is_given_up, terminal_signals_do_not_reach_roles,
    a_bad_reload_leaves_the_old_settings, leaving, systemd_is_told, administration,
    a_tls_connection_outlives_the_signal_role, roles_are_locked_in,
    roles_run_as_the_owner_of_the_folder,
]


def main():
    enter_namespace()
    failed = 0
    for test in TESTS:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        tmp = Path(tempfile.mkdtemp(prefix="serve-", dir=os.environ.get("TMPDIR")))
        try:
            test(tmp)
            print(f"ok {test.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {test.__name__}: {type(e).__name__}: {e}", flush=True)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed" if not sys.argv[1:] else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
