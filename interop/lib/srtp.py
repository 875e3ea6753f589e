"""SRTP with AES-CM and HMAC-SHA1 (RFC 3711) from Python's standard library: a second opinion on what the
server sends, slow and short. Keys come from the SDP in a phone's own log."""
import base64
import hashlib
import hmac
import re
from array import array

from . import tone


def _sbox():
    box, p, q = [0] * 256, 1, 1
    while True:  # p runs through the field's elements, q through their inverses
        p ^= (p << 1) ^ (0x11b if p & 0x80 else 0)
        p &= 0xff
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xff
        q ^= 0x09 if q & 0x80 else 0
        x = q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4)
        box[p] = (x ^ 0x63) & 0xff
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = _sbox()
DOUBLE = [(i << 1 ^ (0x1b if i & 0x80 else 0)) & 0xff for i in range(256)]


class Aes:
    """One direction of AES, FIPS 197; keys of 16 or 32 bytes."""

    def __init__(self, key):
        n = len(key) // 4
        words = [list(key[4 * i:4 * i + 4]) for i in range(n)]
        rcon = 1
        for i in range(n, 4 * (n + 7)):
            w = words[i - 1]
            if i % n == 0:
                w = [SBOX[b] for b in w[1:] + w[:1]]
                w[0] ^= rcon
                rcon = DOUBLE[rcon]
            elif n > 6 and i % n == 4:
                w = [SBOX[b] for b in w]
            words.append([a ^ b for a, b in zip(words[i - n], w)])
        flat = [b for w in words for b in w]
        self.rounds = [flat[i:i + 16] for i in range(0, len(flat), 16)]

    def block(self, data):
        s = [a ^ b for a, b in zip(data, self.rounds[0])]
        for key in self.rounds[1:-1]:
            out = []
            for c in range(0, 16, 4):
                a, b, d, e = (SBOX[s[c]], SBOX[s[(c + 5) % 16]], SBOX[s[(c + 10) % 16]],
                              SBOX[s[(c + 15) % 16]])
                x = a ^ b ^ d ^ e
                out += [a ^ x ^ DOUBLE[a ^ b], b ^ x ^ DOUBLE[b ^ d], d ^ x ^ DOUBLE[d ^ e],
                        e ^ x ^ DOUBLE[e ^ a]]
            s = [a ^ b for a, b in zip(out, key)]
        return bytes(SBOX[s[i * 5 % 16]] ^ k for i, k in enumerate(self.rounds[-1]))

    def counter(self, start, n):
        """n bytes of keystream from the counter block `start`, a number."""
        out = b"".join(self.block((start + i).to_bytes(16, "big")) for i in range(-(-n // 16)))
        return out[:n]


class Key:
    """The session keys of one master key and salt."""

    def __init__(self, text, tag=10):
        raw = base64.b64decode(text + "==")
        master, salt = Aes(raw[:-14]), int.from_bytes(raw[-14:], "big")
        size = len(raw) - 14

        def derive(label, n):  # section 4.3.1, with a key derivation rate of 0
            return master.counter((salt ^ label << 48) << 16, n)
        self.cipher = Aes(derive(0, size))
        self.auth = derive(1, 20)
        self.salt = int.from_bytes(derive(2, 14), "big")
        self.tag = tag

    def open(self, packet, roc=0):
        """The payload of a captured packet; None: not authentic under this key."""
        body, tag = packet.data[:-self.tag], packet.data[-self.tag:]
        whole = hmac.digest(self.auth, body + roc.to_bytes(4, "big"), hashlib.sha1)
        if not hmac.compare_digest(whole[:self.tag], tag):
            return None
        payload = packet.payload[:-self.tag]
        start = (self.salt << 16) ^ (packet.ssrc << 64) ^ ((roc << 16 | packet.seq) << 16)
        stream = self.cipher.counter(start, len(payload))
        return bytes(a ^ b for a, b in zip(payload, stream))


def keys_in(text):
    """Every key in the SDP that a log shows."""
    found = re.findall(r"a=crypto:\d+ \S+HMAC_SHA1_(80|32) inline:([A-Za-z0-9+/]+)", text)
    return [Key(key, int(bits) // 8) for bits, key in sorted(set(found))]


def open_all(packets, keys):
    """[(packet, payload)] of those that are authentic under one of the keys, and how many are not."""
    opened, shut = [], 0
    for p in packets:
        payload = None
        for key in keys:  # the one that fitted last is first
            for roc in (0, 1):
                payload = payload or key.open(p, roc)
            if payload:
                keys = [key, *(k for k in keys if k is not key)]
                break
        if payload is None:
            shut += 1
        else:
            opened.append((p, payload))
    return opened, shut


def speech(opened):
    """8 kHz samples of opened packets in the order of their arrival."""
    laws = {0: tone.PCMU, 8: tone.PCMA}
    return array("h", (laws[p.payload_type][b] for p, payload in opened
                       if p.payload_type in laws for b in payload))
