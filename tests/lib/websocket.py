"""A client for SIP over WebSocket made of bytes (RFC 6455, RFC 7118), right or wrong as a test wants."""
import base64
import hashlib
import secrets
import socket
import struct
import time

from interop.lib import waits
from interop.lib.server import PORTS
from . import sip

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def upgrade(host, **fields):
    """The opening request. A field of None is left out."""
    head = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "sip"}
    head.update({name.replace("_", "-"): value for name, value in fields.items()})
    lines = [f"{name}: {value}" for name, value in head.items() if value is not None]
    return "\r\n".join(["GET /ws HTTP/1.1", *lines, "", ""]).encode(), head


def accept_of(key):
    text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


def frame(payload, opcode=TEXT, *, fin=True, masked=True, rsv=0, length=None):
    """One frame; `length` is what it says of itself where that is not the truth."""
    n = len(payload) if length is None else length
    mark = 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if n < 126:
        head += bytes([mark | n])
    elif n < 65536:
        head += bytes([mark | 126]) + struct.pack(">H", n)
    else:
        head += bytes([mark | 127]) + struct.pack(">Q", n)
    if not masked:
        return head + payload
    mask = secrets.token_bytes(4)
    whole = mask * (len(payload) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(payload, whole))


def connect(server, kind, source=None):
    """A connected socket, over TLS for wss."""
    s = socket.create_connection((server.host, PORTS[kind]), waits.PATIENCE,
                                 (source, 0) if source else None)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sip.tls_context().wrap_socket(s) if kind == "wss" else s


def answer(s, seconds=waits.PATIENCE):
    """(status, fields, body so far) of an HTTP answer."""
    s.settimeout(seconds)
    data = b""
    while b"\r\n\r\n" not in data:
        got = s.recv(65536)
        if not got:
            raise sip.Gone(f"closed after {data!r}")
        data += got
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    return int(lines[0].split(" ")[1]), fields, body


class Link(sip.Link):
    """As sip.Link: messages, each in a frame."""

    def __init__(self, server, kind="wss", source=None, **fields):
        # pylint: disable=super-init-not-called
        self.kind = kind
        self.peer = (server.host, PORTS[kind])
        self.socket = connect(server, kind, source)
        self.host = self.socket.getsockname()[0]
        self.local = f"{secrets.token_hex(6)}.invalid"
        self.waiting, self.control, self.closed = [], [], None
        request, head = upgrade("%s:%d" % self.peer, **fields)
        self.socket.sendall(request)
        status, fields, self.data = answer(self.socket)
        assert status == 101, (status, self.data)
        assert fields["sec-websocket-accept"] == accept_of(head["Sec-WebSocket-Key"])
        assert fields["sec-websocket-protocol"] == "sip"

    def send(self, data):
        self.socket.sendall(frame(data if isinstance(data, bytes) else data.encode()))

    def raw(self, data):
        self.socket.sendall(data)

    def cut(self):
        """(opcode, payload) of the next whole frame, or None. A server's are neither masked nor cut."""
        if len(self.data) < 2:
            return None
        assert self.data[0] & 0x80 and not self.data[1] & 0x80, self.data[:2]
        n, at = self.data[1] & 127, 2
        if n == 126:
            n, at = struct.unpack(">H", self.data[2:4])[0] if len(self.data) >= 4 else 1 << 30, 4
        if len(self.data) < at + n:
            return None
        got, self.data = (self.data[0] & 15, self.data[at:at + n]), self.data[at + n:]
        return got

    def next_frame(self, seconds=waits.PATIENCE):
        until = time.monotonic() + seconds
        while True:
            got = self.cut()
            if got:
                return got
            left = until - time.monotonic()
            if left <= 0:
                raise sip.Gone(f"{self.kind}: nothing within {seconds} s")
            self.socket.settimeout(left)
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                continue
            except OSError as e:
                raise sip.Gone(f"{self.kind}: {e}") from None
            if not more:
                raise sip.Gone(f"{self.kind}: closed by the server")
            self.data += more

    def read(self, seconds):
        """The next message; what else comes is noted."""
        while True:
            opcode, payload = self.next_frame(seconds)
            if opcode == CLOSE:
                self.closed = struct.unpack(">H", payload[:2])[0]
            elif opcode in (PING, PONG):
                self.control.append((opcode, payload))
            elif payload.strip(b"\r\n"):
                return sip.Message(payload)
            else:
                self.control.append((opcode, payload))
