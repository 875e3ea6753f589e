"""The peers beside us: Kamailio and rtpengine from Debian's packages, started here on loopback.

Each is set up as fast as it gets: one worker on the server's core, no database, no log."""
import base64
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from lib.server import ROOT, WAIT, children, server_cpu

START = 90  # seconds at most: Kamailio touches all of its memory first, which is slow on a busy machine
NG_PORT = 2223
MEDIA_PORTS = (10000, 27999)
PHONE_PORTS = 28000  # below those that the kernel gives away
PROBE = (b"OPTIONS sip:nobody@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKprobe\r\n"
         b"From: <sip:p@127.0.0.1>;tag=1\r\nTo: <sip:nobody@127.0.0.1>\r\nCall-ID: probe\r\n"
         b"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
# What bench-media-relay relays: which side is encrypted, and the suites. Where both have one suite,
# rtpengine hands the keys through and the packets as they are.
CM80, CM32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
KINDS = {"SRTP-SRTP": ((True, True), (CM80, CM32)), "RTP-RTP": ((False, False), (CM80, CM80)),
         "RTP-SRTP": ((False, True), (CM80, CM80)), "SRTP passed": ((True, True), (CM80, CM80))}


def find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")


def modules():
    return next(Path("/usr/lib").glob("*/kamailio/modules"), None)


def have_kamailio():
    return bool(find("kamailio") and modules() and (modules() / "tls.so").exists())


def have_rtpengine():
    return bool(find("rtpengine"))


class Peer:
    """A process of somebody else, in the foreground, until the body ends."""

    def __init__(self, tmp, name, argv):
        self.name, self.path = name, tmp / f"{name}.log"
        self.log = open(self.path, "w")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        preexec_fn=server_cpu)
        until = time.monotonic() + START
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.process.kill()
                self.process.wait()
                raise RuntimeError(f"{name} did not start: " + self.path.read_text(errors="replace")[-400:])
            time.sleep(0.05)

    def answers(self):
        raise NotImplementedError

    def pids(self):
        return ",".join(map(str, [self.process.pid, *children(self.process.pid)]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Kamailio(Peer):
    """A registrar with bindings in memory, and a stateful proxy that stays in the dialog; its allocator is
    tlsf, Debian's default takes about twice as much. `relay`: descriptions go through rtpengine."""

    def __init__(self, tmp, certificates, relay=False):
        config = tmp / "kamailio.cfg"
        text = (ROOT / "bench/kamailio.cfg").read_text()
        for word, value in (("MODULES", modules()), ("KEY", certificates / "server.key"),
                            ("CERT", certificates / "server.crt"), ("NG", f"udp:127.0.0.1:{NG_PORT}")):
            text = text.replace(f"@{word}@", str(value))
        config.write_text(text)
        super().__init__(tmp, "kamailio", [find("kamailio"), "-f", config, "-DD", "-E", "-x", "tlsf", "-m", "2048",
                                           "-M", "16", "-Y", tmp, *(["-A", "RELAY"] if relay else [])])

    def answers(self):
        """All workers are there: the last one to start, TCP's, says something."""
        with socket.socket() as c:
            c.settimeout(1)
            try:
                c.connect(("127.0.0.1", 5060))
                c.sendall(PROBE)
                return c.recv(100).startswith(b"SIP/2.0 404")
            except OSError:  # not yet there
                return False


# --- rtpengine ----------------------------------------------------------------------------------

def bencode(v):
    if isinstance(v, dict):
        return b"d" + b"".join(bencode(k) + bencode(v[k]) for k in sorted(v)) + b"e"
    if isinstance(v, list):
        return b"l" + b"".join(map(bencode, v)) + b"e"
    if isinstance(v, int):
        return b"i%de" % v
    v = v.encode() if isinstance(v, str) else v
    return b"%d:%s" % (len(v), v)


def bdecode(b, i=0):
    """(value, where it ends)."""
    if b[i:i + 1] == b"i":
        end = b.index(b"e", i)
        return int(b[i + 1:end]), end + 1
    if b[i:i + 1] in (b"d", b"l"):
        items, at = [], i + 1
        while b[at:at + 1] != b"e":
            item, at = bdecode(b, at)
            items.append(item)
        if b[i:i + 1] == b"d":
            return dict(zip((k.decode() for k in items[::2]), items[1::2])), at + 1
        return items, at + 1
    colon = b.index(b":", i)
    end = colon + 1 + int(b[i:colon])
    return b[colon + 1:end], end


def description(port, crypto):
    lines = ["v=0", "o=- 4711 4711 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
             f"m=audio {port} RTP/{'SAVP' if crypto else 'AVP'} 8", "a=rtpmap:8 PCMA/8000", "a=sendrecv"]
    if crypto:
        tag, suite, key = crypto
        lines.append(f"a=crypto:{tag} {suite} inline:{key}")
    return "\r\n".join(lines) + "\r\n"


def new_key():
    return base64.b64encode(os.urandom(30)).decode()


class Rtpengine(Peer):
    """In user space (Debian's kernel module needs a kernel of its own)."""

    def __init__(self, tmp):
        self.cookie = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", NG_PORT))
        self.socket.settimeout(1)
        super().__init__(tmp, "rtpengine",
                         [find("rtpengine"), "--config-file=none", "--foreground", "--table=-1",
                          "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{NG_PORT}", "--num-threads=1",
                          f"--port-min={MEDIA_PORTS[0]}", f"--port-max={MEDIA_PORTS[1]}", "--log-level=1",
                          "--log-stderr", f"--pidfile={tmp / 'rtpengine.pid'}"])

    def answers(self):
        try:
            return self.ask({"command": "ping"})["result"] == b"pong"
        except OSError:  # not yet there
            return False

    def ask(self, command):
        self.cookie += 1
        cookie = str(self.cookie).encode()
        self.socket.send(cookie + b" " + bencode(command))
        answer = b""
        while not answer.startswith(cookie + b" "):
            answer = self.socket.recv(65536)
        return bdecode(answer, len(cookie) + 1)[0]

    def describe(self, command, call, port, crypto, towards):
        """Our phone's description in; the port and a=crypto lines of rtpengine towards the other one,
        {suite: (tag, key)}, out."""
        sides = {"from-tag": "a"} | ({"to-tag": "b"} if command == "answer" else {})
        reply = self.ask({"command": command, "call-id": f"call-{call}", "sdp": description(port, crypto),
                          "ICE": "remove", "DTLS": "off", "replace": ["origin"], "flags": ["trust-address"],
                          "transport-protocol": "RTP/SAVP" if towards else "RTP/AVP", **sides})
        if reply["result"] != b"ok":
            raise RuntimeError(f"rtpengine: {reply}")
        sdp = reply["sdp"].decode()
        lines = re.findall(r"a=crypto:(\d+) (\S+) inline:([^|\s]+)", sdp)
        return int(re.search(r"m=audio (\d+)", sdp).group(1)), {suite: (tag, key) for tag, suite, key in lines}

    def call(self, number, kind):
        """Two lines for bench-media-relay --plan."""
        secure, suites = KINDS[kind]
        ports = [PHONE_PORTS + 4 * number, PHONE_PORTS + 4 * number + 2]
        keys = [new_key(), new_key()]
        towards_b, offered = self.describe("offer", number, ports[0], secure[0] and (1, suites[0], keys[0]), secure[1])
        answer = secure[1] and (offered[suites[1]][0], suites[1], keys[1])
        towards_a, answered = self.describe("answer", number, ports[1], answer, secure[0])

        def line(i, port, told):
            crypto = f"{suites[i]}:{keys[i]} {suites[i]}:{told[suites[i]][1]}" if secure[i] else "- -"
            return f"{ports[i]} {port} {crypto}"
        return [line(0, towards_a, answered), line(1, towards_b, offered)]

    def plan(self, path, streams, kind):
        """Calls of two streams each."""
        lines = [line for number in range(streams // 2) for line in self.call(number, kind)]
        path.write_text("\n".join(lines) + "\n")
