"""MIKEY messages (RFC 3830) of another make than the server's: I_MESSAGE and R_MESSAGE under a pre-shared
key and under certificates (RSA by the openssl program; RSA-R: RFC 4738), and those of modes that nobody here
speaks. For SDP as RFC 4567 has it."""
import base64
import hashlib
import hmac
import re
import secrets
import struct
import subprocess
import time

PSK_INIT, PSK_RESP, PK_INIT, PK_RESP, DH_INIT, RSA_R_INIT, RSA_R_RESP = 0, 1, 2, 3, 4, 9, 10
LAST, KEMAC, PKE, SIGN, T, ID, CERT, V, SP, RAND, KEY_DATA = 0, 1, 2, 4, 5, 6, 7, 9, 10, 11, 20
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


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *map(str, args)], input=data, capture_output=True, check=True).stdout


def counter_mode(key, iv, data):
    return openssl("enc", "-aes-128-ctr", "-K", key.hex(), "-iv", iv.hex(), data=data)


def identity(following, name):
    return struct.pack(">BBH", following, 1, len(name)) + name


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

    def crypt(self, data, when):
        block = struct.pack(">HIQ", 0, self.csb, when)
        iv = bytes(x ^ y for x, y in zip(self.derive(0x29b88916, 14), block)) + bytes(2)
        return counter_mode(self.derive(0x150533e1, 16), iv, data)

    def opening(self, kind):
        """Up to RAND; an ID follows."""
        m = self.header(kind, T, 0x80) + struct.pack(">BBQ", RAND, 0, self.time)
        return m + bytes([ID, len(self.rand)]) + self.rand

    def policy(self, following):
        policy = b"".join(bytes([kind, 1, value]) for kind, value in POLICY)
        return struct.pack(">BBBH", following, 0, 0, len(policy)) + policy

    def message(self):
        data = struct.pack(">BBH", 0, 0, len(self.tgk)) + self.tgk
        m = self.opening(PSK_INIT) + identity(ID, self.ids[0]) + identity(SP, self.ids[1])
        m += self.policy(KEMAC) + struct.pack(">BBH", LAST, 1, len(data))
        m += self.crypt(data, self.time) + b"\x01"
        return m + mac(self.derive(0x2d22ac75, 20), m)

    def check(self, answer, kind=PSK_RESP):
        """The R_MESSAGE proves that who sent it has the key."""
        body, proof = answer[:-20], answer[-20:]
        assert body[1] == kind and body[-2:] == bytes([LAST, 1]), answer.hex()
        covered = body + b"".join(self.ids) + struct.pack(">Q", self.time)
        assert mac(self.derive(0x2d22ac75, 20), covered) == proof, "the V payload is wrong"


class Certified(Initiator):
    """Of one bundle, under RSA certificates: `cert` and `key` are the user's files, `server` the certificate
    of who answers."""

    def __init__(self, folder, user, peer, server, signer=None, **how):
        super().__init__(secrets.token_bytes(32), user, peer, **how)
        self.folder, self.server = folder, server
        self.cert, self.key = folder / f"{user}.crt", folder / f"{signer or user}.key"

    def der(self):
        return openssl("x509", "-in", self.cert, "-outform", "DER")

    def signed(self, m, digest="-sha1"):
        m += struct.pack(">H", 256)
        return m + openssl("dgst", digest, "-sign", self.key, data=m)

    def named(self, following):
        """Who signs, the certificate, whom it is for."""
        cert = self.der()
        return identity(CERT, self.ids[0]) + struct.pack(">BBH", ID, 0, len(cert)) + cert + \
            identity(following, self.ids[1])

    def public_key(self, inside=None):
        """A PK_INIT; `inside`: the identity in the envelope, where it is another."""
        data = identity(KEY_DATA, inside or self.ids[0]) + struct.pack(">BBH", 0, 0, len(self.tgk)) + self.tgk
        kemac = struct.pack(">BBH", PKE, 1, len(data)) + self.crypt(data, self.time) + b"\x01"
        kemac += mac(self.derive(0x2d22ac75, 20), kemac)
        sealed = openssl("pkeyutl", "-encrypt", "-certin", "-inkey", self.server, "-pkeyopt",
                         "rsa_padding_mode:pkcs1", data=self.psk)
        m = self.opening(PK_INIT) + self.named(SP) + self.policy(KEMAC) + kemac
        return self.signed(m + struct.pack(">BH", SIGN, len(sealed)) + sealed)

    def rsa_r(self):
        return self.signed(self.opening(RSA_R_INIT) + self.named(SP) + self.policy(SIGN), "-sha256")

    def open(self, answer):
        """Takes the key that an R_MESSAGE of RSA-R brings, after all that proves it."""
        at = {kind: body for kind, body in payloads(answer)}
        assert answer[1] == RSA_R_RESP and answer[4:8] == struct.pack(">I", self.csb), answer.hex()
        cert, public = self.folder / "answer.crt", self.folder / "answer.pub"
        cert.write_bytes(openssl("x509", "-inform", "DER", data=at[CERT][3:]))
        assert cert.read_text() == openssl("x509", "-in", self.server).decode()
        public.write_bytes(openssl("x509", "-in", cert, "-noout", "-pubkey"))
        signature = self.folder / "answer.sig"
        signature.write_bytes(answer[-256:])
        covered = answer[:-256] + b"".join(self.ids) + struct.pack(">Q", self.time)
        openssl("dgst", "-sha256", "-verify", public, "-signature", signature, data=covered)
        self.psk = openssl("pkeyutl", "-decrypt", "-inkey", self.key, "-pkeyopt",
                           "rsa_padding_mode:pkcs1", data=at[PKE][2:])
        kemac, proof = bytes([PKE]) + at[KEMAC][:-20], at[KEMAC][-20:]
        assert mac(self.derive(0x2d22ac75, 20), kemac) == proof, "the KEMAC's MAC is wrong"
        data = self.crypt(at[KEMAC][3:-21], struct.unpack(">Q", at[T][1:9])[0])
        assert data.startswith(identity(KEY_DATA, self.ids[1])), data.hex()
        self.tgk = data[len(identity(KEY_DATA, self.ids[1])) + 4:]
        assert len(self.tgk) == 32, data.hex()


def payloads(m):
    """(kind, what stands behind the next one's number) of each in a message with T, ID, CERT, KEMAC, PKE."""
    kind, at = m[2], 10 + 9 * m[8]
    while kind not in (LAST, SIGN):
        size = {T: lambda p: 9, ID: lambda p: 3 + p[1] * 256 + p[2], CERT: lambda p: 3 + p[1] * 256 + p[2],
                KEMAC: lambda p: 3 + p[1] * 256 + p[2] + 21,
                PKE: lambda p: 2 + (p[0] & 63) * 256 + p[1]}[kind](m[at + 1:])
        yield kind, m[at + 1:at + 1 + size]
        kind, at = m[at], at + 1 + size


def of_mode(kind):
    """A message of that mode, with nothing in it but a time."""
    return struct.pack(">BBBBIBB", 1, kind, T, 0, 7, 0, 0) + struct.pack(">BBQ", LAST, 0, 1)


def line(message):
    return f"a=key-mgmt:mikey {base64.b64encode(message).decode()}"


def found(sdp):
    """The message in a description."""
    return base64.b64decode(re.search(rb"(?m)^a=key-mgmt:mikey (\S+)", sdp)[1])
