"""A SIP user agent made of text: it says exactly what a test wants said, right or wrong."""
import hashlib
import itertools
import re
import secrets
import socket
import ssl
import struct
import time

from interop.lib import waits
from interop.lib.server import DOMAIN, PASSWORD, PORTS

numbers = itertools.count(1)


class Gone(AssertionError):
    """The server has closed the connection, or said nothing in time."""


class Message:
    """One message as it came: start line, headers in order, body."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        self.raw = raw
        self.lines = head.decode("utf-8", "replace").split("\r\n")
        self.start = self.lines[0]
        words = self.start.split(" ")
        self.status = int(words[1]) if words[0] == "SIP/2.0" else 0
        self.method = None if self.status else words[0]

    def all(self, name):
        start = name.lower() + ":"
        return [line.partition(":")[2].strip() for line in self.lines[1:] if line.lower().startswith(start)]

    def get(self, name):
        found = self.all(name)
        return found[0] if found else ""

    def tag(self, name):
        m = re.search(r";tag=([^;>\s]+)", self.get(name))
        return m[1] if m else ""

    def __repr__(self):
        return "\n".join(self.lines)


def frame(data):
    """(the first whole message or None, the rest)"""
    data = data.lstrip(b"\r\n")
    head, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None, data
    m = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
    size = int(m[1]) if m else 0
    if len(rest) < size:
        return None, data
    return head + blank + rest[:size], rest[size:]


def tls_context(ca=None):
    context = ssl.create_default_context(cafile=ca) if ca else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if not ca:
        context.verify_mode = ssl.CERT_NONE
    return context


class Link:
    """A way to the server: a datagram socket, or a connection."""

    def __init__(self, server, kind, source=None, context=None):
        self.kind = kind
        self.peer = (server.host, PORTS[kind])
        if kind == "udp":
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((source or server.host, 0))
            self.socket.connect(self.peer)
        else:
            self.socket = socket.create_connection(self.peer, waits.PATIENCE,
                                                   (source, 0) if source else None)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if kind == "tls":
                self.socket = (context or tls_context()).wrap_socket(self.socket)
        self.host = self.socket.getsockname()[0]
        self.local = "%s:%d" % self.socket.getsockname()[:2]
        self.data = b""
        self.waiting = []

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def receive(self, seconds=waits.PATIENCE):
        """The next message."""
        if self.waiting:
            return self.waiting.pop(0)
        return self.read(seconds)

    def read(self, seconds):
        until = time.monotonic() + seconds
        while True:
            if self.kind != "udp":
                raw, self.data = frame(self.data)
                if raw:
                    return Message(raw)
            left = until - time.monotonic()
            if left <= 0:
                raise Gone(f"{self.kind}: nothing within {seconds} s")
            self.socket.settimeout(left)
            try:
                got = self.socket.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                continue
            except OSError as e:
                raise Gone(f"{self.kind}: {e}") from None
            if self.kind == "udp":
                return Message(got)
            if not got:
                raise Gone(f"{self.kind}: closed by the server")
            self.data += got

    def wait(self, fits, seconds=waits.PATIENCE):
        """The next message that fits; others stay for later."""
        for at, m in enumerate(self.waiting):
            if fits(m):
                return self.waiting.pop(at)
        until = time.monotonic() + seconds
        while True:
            m = self.read(max(0.0, until - time.monotonic()))
            if fits(m):
                return m
            self.waiting.append(m)

    def answer_to(self, call_id, cseq, seconds=waits.PATIENCE):
        """The final answer to the request with this Call-ID and CSeq number."""
        return self.wait(lambda m: m.status >= 200 and m.get("Call-ID") == call_id and
                         m.get("CSeq").split(" ")[0] == str(cseq), seconds)

    def is_closed(self, seconds=waits.PATIENCE):
        """Whether the server closes it in time; what still comes is thrown away."""
        try:
            while True:
                self.read(seconds)
        except Gone as e:
            return "nothing within" not in str(e)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def branch():
    return "z9hG4bK" + secrets.token_hex(8)


def request(link, method, uri, *, user="1000", to=None, call_id=None, cseq=1, from_tag=None, to_tag="",
            headers=(), body="", via_branch=None, max_forwards=70, contact=None, from_=None):
    """A whole request as text."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{link.kind.upper()} {link.local};branch={via_branch or branch()};rport",
        f"Max-Forwards: {max_forwards}",
        f"From: {from_ or f'<sip:{user}@{DOMAIN}>'};tag={from_tag or secrets.token_hex(4)}",
        f"To: {to or f'<{uri}>'}{';tag=' + to_tag if to_tag else ''}",
        f"Call-ID: {call_id or secrets.token_hex(8)}",
        f"CSeq: {cseq} {method}",
        f"Contact: {contact or f'<sip:{user}@{link.local};transport={link.kind}>'}",
        *headers,
        f"Content-Length: {len(content)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def options(link, **how):
    """Asks; the answer."""
    call_id = how.pop("call_id", None) or secrets.token_hex(8)
    link.send(request(link, "OPTIONS", f"sip:{DOMAIN}", call_id=call_id, **how))
    return link.answer_to(call_id, how.get("cseq", 1))


# --- digest ---

def challenge_of(message, algorithm="SHA-256"):
    """{realm, nonce, ...} of the challenge with this algorithm."""
    for value in message.all("WWW-Authenticate") + message.all("Proxy-Authenticate"):
        fields = dict(re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', value) and
                      [(k, a or b) for k, a, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', value)])
        if fields.get("algorithm", "MD5").upper() == algorithm:
            return fields
    raise AssertionError(f"no {algorithm} challenge in\n{message!r}")


def credentials(challenge, method, uri, user, password=PASSWORD, *, nc=1, proxy=False, **wrong):
    """The header line. `wrong` replaces fields of the line after the digest was made."""
    algorithm = challenge.get("algorithm", "MD5")
    h = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}[algorithm]

    def hexed(text):
        return h(text.encode()).hexdigest()
    cnonce, count = secrets.token_hex(8), f"{nc:08x}"
    ha1 = hexed(f"{user}:{challenge['realm']}:{password}")
    response = hexed(f"{ha1}:{challenge['nonce']}:{count}:{cnonce}:auth:{hexed(f'{method}:{uri}')}")
    fields = {"username": user, "realm": challenge["realm"], "nonce": challenge["nonce"], "uri": uri,
              "response": response, "cnonce": cnonce, **wrong}
    text = ", ".join(f'{k}="{v}"' for k, v in fields.items())
    name = "Proxy-Authorization" if proxy else "Authorization"
    return f"{name}: Digest {text}, algorithm={algorithm}, qop=auth, nc={count}"


def register(link, user="1000", password=PASSWORD, *, expires=600, algorithm="SHA-256", headers=(), **how):
    """Registers, answering one challenge; the last answer."""
    uri = f"sip:{DOMAIN}"
    call_id = secrets.token_hex(8)
    how = {"to": f"<sip:{user}@{DOMAIN}>", "user": user, "call_id": call_id,
           "headers": (f"Expires: {expires}", *headers), **how}
    link.send(request(link, "REGISTER", uri, **how))
    asked = link.answer_to(call_id, 1)
    if asked.status != 401:
        return asked
    line = credentials(challenge_of(asked, algorithm), "REGISTER", uri, user, password)
    how["headers"] = (*how["headers"], line)
    link.send(request(link, "REGISTER", uri, cseq=2, **how))
    return link.answer_to(call_id, 2)


# --- calls ---

def key():
    import base64
    return base64.b64encode(secrets.token_bytes(30)).decode()


def sdp(link, port=40000, crypto=None, tag=1):
    host = link.host
    crypto = crypto or f"a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{key()}"
    return (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
            f"m=audio {port} RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n{crypto}\r\na=sendrecv\r\n")


SDP_TYPE = "Content-Type: application/sdp"


def reply(link, to, status, reason, *, to_tag="", headers=(), body="", contact_user="1001"):
    """Answers a request that came to us."""
    content = body.encode()
    lines = [f"SIP/2.0 {status} {reason}", *[f"Via: {v}" for v in to.all("Via")],
             *[f"Record-Route: {v}" for v in to.all("Record-Route")], f"From: {to.get('From')}",
             f"To: {to.get('To')}" + (f";tag={to_tag}" if to_tag and not to.tag("To") else ""),
             f"Call-ID: {to.get('Call-ID')}", f"CSeq: {to.get('CSeq')}",
             f"Contact: <sip:{contact_user}@{link.local};transport={link.kind}>", *headers,
             f"Content-Length: {len(content)}"]
    link.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)


class Call:
    """An answered call between two links of ours, made through the server."""

    def __init__(self, caller, callee, users=("1000", "1001"), ports=(40000, 40002)):
        self.caller, self.callee, self.users = caller, callee, users
        self.call_id, self.from_tag = secrets.token_hex(8), secrets.token_hex(4)
        self.uri = f"sip:{users[1]}@{DOMAIN}"
        self.branch = branch()
        self.ports = ports
        self.cseq = 1

    def invite(self):
        """Up to the ringing of the callee."""
        body = sdp(self.caller, self.ports[0])
        how = {"user": self.users[0], "call_id": self.call_id, "from_tag": self.from_tag, "body": body}
        self.caller.send(request(self.caller, "INVITE", self.uri, headers=(SDP_TYPE,), **how))
        asked = self.caller.answer_to(self.call_id, 1)
        assert asked.status == 407, asked
        self.acknowledge(asked, 1)
        line = credentials(challenge_of(asked), "INVITE", self.uri, self.users[0], proxy=True)
        self.cseq = 2
        self.caller.send(request(self.caller, "INVITE", self.uri, cseq=2, headers=(SDP_TYPE, line),
                                 via_branch=self.branch, **how))
        self.incoming = self.callee.wait(lambda m: m.method == "INVITE" and not m.tag("To"))
        self.callee_tag = secrets.token_hex(4)
        reply(self.callee, self.incoming, 180, "Ringing", to_tag=self.callee_tag)
        self.ringing = self.caller.wait(lambda m: m.status == 180)
        return self

    def acknowledge(self, answer, cseq):
        """The ACK to a refusal is hop by hop: same branch."""
        ack = request(self.caller, "ACK", self.uri, user=self.users[0], call_id=self.call_id,
                      from_tag=self.from_tag, to_tag=answer.tag("To"), cseq=cseq)
        via = answer.get("Via")
        self.caller.send(re.sub(rb"branch=[^;\r]+", re.search(r"branch=[^;]+", via)[0].encode(), ack, count=1))

    def answer(self):
        m = re.search(rb"(?m)^a=crypto:(\d+) (\S+)", self.incoming.body)
        crypto = f"a=crypto:{m[1].decode()} {m[2].decode()} inline:{key()}"
        reply(self.callee, self.incoming, 200, "OK", to_tag=self.callee_tag, headers=(SDP_TYPE,),
              body=sdp(self.callee, self.ports[1], crypto))
        self.callee.wait(lambda m: m.method == "ACK")
        self.answered = self.caller.answer_to(self.call_id, 2)
        assert self.answered.status == 200, self.answered
        self.to_tag = self.answered.tag("To")
        self.target = re.search(r"<([^>]+)>", self.answered.get("Contact"))[1]
        self.caller.send(self.request(self.caller, "ACK", cseq=2))
        return self

    def request(self, link, method, *, cseq, **how):
        """A request within the caller's dialog, over any link."""
        return request(link, method, self.target, user=self.users[0], to=f"<{self.uri}>",
                       to_tag=self.to_tag, call_id=self.call_id, from_tag=self.from_tag, cseq=cseq, **how)

    def callee_request(self, link, method, *, cseq, **how):
        """The same within the callee's."""
        target = re.search(r"<([^>]+)>", self.incoming.get("Contact"))[1]
        peer = self.incoming.get("From").partition(";")[0]
        return request(link, method, target, user=self.users[1], to=peer, to_tag=self.incoming.tag("From"),
                       call_id=self.incoming.get("Call-ID"), from_tag=self.callee_tag, cseq=cseq, **how)

    def hang_up(self):
        self.cseq += 1
        self.caller.send(self.request(self.caller, "BYE", cseq=self.cseq))
        ended = self.callee.wait(lambda m: m.method == "BYE")
        reply(self.callee, ended, 200, "OK")
        assert self.caller.answer_to(self.call_id, self.cseq).status == 200


def reset_on_close(sock):
    """The next close sends RST: no TIME_WAIT is left of a flood."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
