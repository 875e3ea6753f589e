"""MIKEY messages (RFC 3830) of another make than the server's: a pre-shared key's I_MESSAGE, its
R_MESSAGE, and those of modes that nobody here speaks. For SDP as RFC 4567 has it."""
import base64
import hashlib
import hmac
import re
import secrets
import struct
import subprocess
import time

PSK_INIT, PSK_RESP, PK_INIT, PK_RESP, DH_INIT = 0, 1, 2, 3, 4
LAST, KEMAC, T, ID, V, SP, RAND = 0, 1, 5, 6, 9, 10, 11
POLICY = ((0, 1), (1, 16), (2, 1), (3, 20), (4, 14), (7, 1), (8, 1), (10, 1), (11, 10))
NTP = 2208988800


def mac(key, data):
    return hmac.new(key, data, hashlib.sha1).digest()


def prf(key, label, n):
    """Section 4.1.2."""
    out = bytes(n)
    for at in range(0, len(key), 32):
        a, part = label, b""
        while len(part) < n:
            a = mac(key[at:at + 32], a)
            part += mac(key[at:at + 32], a + label)
        out = bytes(x ^ y for x, y in zip(out, part))
    return out


def counter_mode(key, iv, data):
    command = ["openssl", "enc", "-aes-128-ctr", "-K", key.hex(), "-iv", iv.hex()]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


class Initiator:
    """Of one bundle with two crypto sessions, under a key."""

    def __init__(self, psk, user, peer, when=None):
        self.psk, self.csb = psk, secrets.randbits(32)
        self.rand, self.tgk = secrets.token_bytes(16), secrets.token_bytes(32)
        self.time = int(((time.time() if when is None else when) + NTP) * 2**32)
        self.ids = [f"sip:{user}".encode(), f"sip:{peer}".encode()]

    def derive(self, constant, n):
        return prf(self.psk, struct.pack(">IBI", constant, 0xff, self.csb) + self.rand, n)

    def header(self, kind, following, flags=0):
        sessions = struct.pack(">BII", 0, 0, 0) * 2
        return struct.pack(">BBBBIBB", 1, kind, following, flags, self.csb, 2, 0) + sessions

    def message(self):
        policy = b"".join(bytes([kind, 1, value]) for kind, value in POLICY)
        data = struct.pack(">BBH", 0, 0, len(self.tgk)) + self.tgk
        block = struct.pack(">HIQ", 0, self.csb, self.time)
        iv = bytes(x ^ y for x, y in zip(self.derive(0x29b88916, 14), block)) + bytes(2)
        m = self.header(PSK_INIT, T, 0x80) + struct.pack(">BBQ", RAND, 0, self.time)
        m += bytes([ID, len(self.rand)]) + self.rand
        for following, name in zip((ID, SP), self.ids):
            m += struct.pack(">BBH", following, 1, len(name)) + name
        m += struct.pack(">BBBH", KEMAC, 0, 0, len(policy)) + policy
        m += struct.pack(">BBH", LAST, 1, len(data))
        m += counter_mode(self.derive(0x150533e1, 16), iv, data) + b"\x01"
        return m + mac(self.derive(0x2d22ac75, 20), m)

    def check(self, answer):
        """The R_MESSAGE proves that who sent it has the key."""
        body, proof = answer[:-20], answer[-20:]
        assert body[1] == PSK_RESP and body[-2:] == bytes([LAST, 1]), answer.hex()
        covered = body + b"".join(self.ids) + struct.pack(">Q", self.time)
        assert mac(self.derive(0x2d22ac75, 20), covered) == proof, "the V payload is wrong"


def of_mode(kind):
    """A message of that mode, with nothing in it but a time."""
    return struct.pack(">BBBBIBB", 1, kind, T, 0, 7, 0, 0) + struct.pack(">BBQ", LAST, 0, 1)


def line(message):
    return f"a=key-mgmt:mikey {base64.b64encode(message).decode()}"


def found(sdp):
    """The message in a description."""
    return base64.b64decode(re.search(rb"(?m)^a=key-mgmt:mikey (\S+)", sdp)[1])
