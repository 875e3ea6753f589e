#!/usr/bin/python3
"""Media past the kernel's stack, by AF_XDP: the server at one end of a veth pair, phones in a network
namespace at the other. Calls over IPv4 and IPv6, kill -9 of the media role, and what happens where there
is no such way."""
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.phone import Phone  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.server import DOMAIN, SOTTO, Server  # noqa: E402  pylint: disable=wrong-import-position

INTERFACE = "cable0"
HOST4, HOST6 = "10.99.1.1", "fd99::1"
CALLER_HZ, CALLEE_HZ = 440, 1000
TOKEN = "0123456789abcdef"
BACK_WITHIN_S, GAP_MS = 0.5, 500
SHARE = 0.95  # of a call's packets; until a peer is heard the kernel finds the way to it


class Elsewhere:
    """A network namespace with the other end of the cable, as long as the script lives."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == "\n"
        ours = [f"ip link add {INTERFACE} type veth peer name cable1 netns {self.process.pid}",
                f"ip address add {HOST4}/24 dev {INTERFACE}",
                f"ip address add {HOST6}/64 dev {INTERFACE} nodad", f"ip link set {INTERFACE} up"]
        theirs = ["ip link set lo up", "ip address add 10.99.1.2/24 dev cable1",
                  "ip address add fd99::2/64 dev cable1 nodad", "ip link set cable1 up"]
        for prefix, lines in (([], ours), (self.prefix(), theirs)):
            for line in lines:
                subprocess.run([*prefix, *line.split()], check=True)

    def prefix(self):
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]


class FarPhone(Phone):
    def __init__(self, stage, user, *options, host=HOST4, **how):
        super().__init__(stage.server, user, "--server-name", DOMAIN, *options, **how)
        at = self.command.index("--server") + 1
        self.command[at] = f"[{host}]:5061" if ":" in host else f"{host}:5061"
        self.command = [*stage.far.prefix(), *self.command]


class Stage:
    def __init__(self, far, folder, server):
        self.far, self.folder, self.server = far, folder, server

    def role(self):
        return {r["role"]: r for r in self.server.show("roles")}["media"]

    def explain(self):
        print("\n".join(self.server.log.since()[-60:]))


def make_server(folder, media):
    server = Server(folder, host=HOST4)
    (server.folder / "conf.d").mkdir()
    (server.folder / "conf.d" / "xdp.conf").write_text(
        f"[sip]\nlisten = tls:{HOST4}:5061, tls:[{HOST6}]:5061\n[media]\n{media}\n")
    return server


@contextmanager
def stage():
    far, folder = Elsewhere(), space.folder()
    with make_server(folder, f"path = auto\nxdp_interface = {INTERFACE}\n[web]\nmetrics_token = {TOKEN}") as server:
        _, found = server.log.wait_line(r"media_path path=(\w+).*")
        if found[1] != "xdp":
            space.skip(found[0])
        for user in ("1000", "1001", "2000", "2001"):
            server.add_user(user, keying="dtls" if user[0] == "2" else "sdes")
        server.add_user("3000", protection="off")
        yield Stage(far, folder, server)


cases = Cases(__file__, stage)


def metrics(server):
    web = http.client.HTTPSConnection(HOST4, 8443, timeout=waits.PATIENCE,
                                      context=ssl.create_default_context(cafile=server.ca))
    web.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    return web.getresponse().read().decode()


def call(on, *, users=("1000", "1001"), host=HOST4, kills=0, options=(), family=r"10\.99\.1\.2:"):
    before = on.role()["xdp"]
    with FarPhone(on, users[1], "--answer", "--play", f"tone:{CALLEE_HZ}", *options, host=host) as b:
        b.wait("registered")
        with FarPhone(on, users[0], "--play", f"tone:{CALLER_HZ}", "--seconds", 4, *options, host=host,
                      call=users[1]) as a:
            b.wait("answered")
            for leg in on.server.answered()["legs"]:
                assert re.match(family, leg["media"]["remote"]), leg
            on.server.media_goes_on()
            for _ in range(kills):
                assert on.server.kill_role("media") <= BACK_WITHIN_S
                on.server.media_goes_on()
            status, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    assert status == 0 and said["result"] == "answered", said
    for end, hz in ((said, CALLEE_HZ), (heard, CALLER_HZ)):
        print(f"    {end['role']} heard {end['audio']['tone_hz']} Hz, longest gap "
              f"{end['audio']['max_gap_ms']} ms, {end['rx']['lost']} packets lost")
        assert abs(end["audio"]["tone_hz"] - hz) < 5, end
        assert end["audio"]["max_gap_ms"] < GAP_MS and end["rx"]["auth_failures"] == 0, end
    after = on.role()["xdp"]
    came, left = after["in"] - before["in"], after["out"] - before["out"]
    sent = said["tx"]["packets"] + heard["tx"]["packets"]
    print(f"    of {sent} packets {came} came and {left} left past the kernel (reports included)")
    assert came >= SHARE * sent and left >= SHARE * sent, (sent, came, left)
    return said


@cases.case("a call with SDES on both legs; role and metrics tell the way")
def sdes(on):
    call(on)
    role = on.role()
    assert role["path"] == "xdp" and role["overflowed"] == 0, role
    said = metrics(on.server)
    assert 'sotto_media_path{path="xdp"} 1' in said, said
    counts = dict(re.findall(r'sotto_media_xdp_packets_total{direction="(\w+)"} (\d+)', said))
    assert int(counts["in"]) >= 300 and int(counts["out"]) >= 300, counts
    assert " mode=native" in on.server.log.wait_line(f"media_xdp interface={INTERFACE}.*")[1][0]


@cases.case("IPv6")
def ipv6(on):
    call(on, host=HOST6, family=r"\[fd99::2\]:")


@cases.case("DTLS-SRTP with ICE: signalling over IPv4, media over IPv6; kill -9 of the media role")
def dtls_ice(on):
    call(on, users=("2000", "2001"), options=("--ice", "--keying", "dtls"), kills=1,
         family=r"\[fd99::2\]:")


@cases.case("DTLS-SRTP with ICE: signalling over IPv6, media over IPv4")
def dtls_ice4(on):
    call(on, users=("2000", "2001"), options=("--ice-only", "ipv4", "--keying", "dtls"), host=HOST6)


@cases.case("the media role is killed twice")
def killed(on):
    call(on, kills=2)


@cases.case("echo in clear")
def clear(on):
    before = on.role()["xdp"]
    with FarPhone(on, "3000", "--keying", "none", "--play", f"tone:{CALLER_HZ}", "--seconds", 2,
                  call="echo") as a:
        _, said = a.finish()
    assert abs(said["audio"]["tone_hz"] - CALLER_HZ) < 5 and said["media"]["keying"] == "none", said
    after = on.role()["xdp"]
    assert after["in"] - before["in"] > 90 and after["out"] - before["out"] > 90, (before, after)


def attached():
    done = subprocess.run(["ip", "-json", "-d", "link", "show", INTERFACE], check=True, text=True,
                          capture_output=True)
    return "xdp" in json.loads(done.stdout)[0]


def other_server(on, name, media):
    folder = on.folder / name
    folder.mkdir()
    server = make_server(folder, f"{media}\nports = 30000-30999")
    more = server.folder / "conf.d" / "xdp.conf"
    more.write_text(more.read_text().replace("5061", "5071") + "[web]\nlisten = none\n")
    return server


def refused(server, *words):
    done = subprocess.run([SOTTO, "serve", "-d", server.data, "-c", server.config], text=True,
                          capture_output=True, timeout=waits.PATIENCE, check=False)
    assert done.returncode == 3 and all(w in done.stderr for w in words), done


@cases.case("named and not to be had, it is refused with the reason")
def named(on):
    refused(other_server(on, "a", "path = xdp\nxdp_interface = nowhere0"),
            "[media] path = xdp cannot be had: there is no interface `nowhere0`")
    refused(other_server(on, "b", f"path = xdp\nxdp_interface = {INTERFACE}"),
            f"[media] path = xdp cannot be had: {INTERFACE}: another program has its XDP place")
    refused(other_server(on, "c", "path = xdp"), "xdp_interface has to name an interface")


@cases.case("not named and not to be had, the shared way is taken, and the reason told")
def fallback(on):
    with other_server(on, "d", "path = auto\nxdp_interface = nowhere0") as server:
        _, found = server.log.wait_line("media_path path=shared .*")
        assert "no interface `nowhere0`" in found[0], found[0]
        assert server.show("roles")[2]["path"] == "shared"


@cases.case("the program goes with the server, whatever end that takes, and comes with the next one")
def ends(on):
    assert attached()
    os.kill(on.server.process.pid, signal.SIGKILL)
    on.server.process.wait()
    waits.until("the program to go", lambda: not attached())
    with other_server(on, "e", f"path = xdp\nxdp_interface = {INTERFACE}") as server:
        server.log.wait_line("media_path path=xdp( |$)")
        assert attached()
    assert not attached()


if __name__ == "__main__":
    space.enter("nsenter", "ip", "unshare")
    cases.main()
