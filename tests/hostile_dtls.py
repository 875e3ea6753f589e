#!/usr/bin/python3
"""Handshakes that go wrong, by an independent DTLS client (openssl s_client): the wrong certificate, a
stranger's ClientHello, NULL ciphers, too old a version, garbage, floods. A call ends only where its
peer has proven to be somebody else, and says why; whatever else comes, the real handshake works."""
import re
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time

from lib import run, sip
from lib.run import waits
from interop.lib.phone import Phone
from interop.lib.server import DOMAIN

STRANGER = "10.99.0.2"
PROFILES = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"
PHONE_PORT = 40000
FLOOD_RATE, CALLS, AT_ONCE = 10000, 100, 10


class Certificate:
    def __init__(self, folder, name):
        self.cert, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-subj", f"/CN={name}", "-days", "2", "-keyout", self.key, "-out",
                        self.cert], check=True, capture_output=True)
        said = subprocess.run(["openssl", "x509", "-in", self.cert, "-noout", "-fingerprint", "-sha256"],
                              check=True, capture_output=True, text=True).stdout
        self.fingerprint = said.partition("=")[2].strip()


class EchoCall:
    """A call to echo with a description of our own making; the media is whoever's."""

    def __init__(self, link, fingerprint, port=PHONE_PORT):
        self.link, self.call_id, self.tag = link, secrets.token_hex(8), secrets.token_hex(4)
        self.uri = f"sip:echo@{DOMAIN}"
        host = link.local.rpartition(":")[0]
        self.body = (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
                     f"a=fingerprint:SHA-256 {fingerprint}\r\na=setup:active\r\n"
                     f"m=audio {port} UDP/TLS/RTP/SAVP 8\r\na=rtcp-mux\r\na=sendrecv\r\n")
        self.how = {"user": "1000", "call_id": self.call_id, "from_tag": self.tag}
        asked = self.invite(1)
        assert asked.status == 407, asked
        self.acknowledge(asked, 1)
        line = sip.credentials(sip.challenge_of(asked), "INVITE", self.uri, "1000", proxy=True)
        self.answer = self.invite(2, line)
        assert self.answer.status == 200, self.answer
        self.target = re.search(r"<([^>]+)>", self.answer.get("Contact"))[1]
        self.acknowledge(self.answer, 2)
        text = self.answer.body.decode()
        assert "a=setup:passive" in text and "a=fingerprint:sha-256 " in text, text
        self.port = int(re.search(r"(?m)^m=audio (\d+) UDP/TLS/RTP/SAVP ", text)[1])
        self.server_print = re.search(r"a=fingerprint:sha-256 (\S+)", text)[1]

    def invite(self, cseq, *headers):
        self.link.send(sip.request(self.link, "INVITE", self.uri, cseq=cseq, body=self.body,
                                   headers=(sip.SDP_TYPE, *headers), **self.how))
        return self.link.answer_to(self.call_id, cseq)

    def acknowledge(self, answer, cseq):
        ack = sip.request(self.link, "ACK", self.target if answer.status == 200 else self.uri, cseq=cseq,
                          to=f"<{self.uri}>", to_tag=answer.tag("To"), **self.how)
        if answer.status != 200:
            branch = re.search(r"branch=[^;]+", answer.get("Via"))[0]
            ack = re.sub(rb"branch=[^;\r]+", branch.encode(), ack, count=1)
        self.link.send(ack)

    def hang_up(self):
        self.link.send(sip.request(self.link, "BYE", self.target, cseq=3, to=f"<{self.uri}>",
                                   to_tag=self.answer.tag("To"), **self.how))
        assert self.link.answer_to(self.call_id, 3).status == 200


def shake_hands(server, port, certificate, *options, source=None, bind_port=PHONE_PORT, seconds=10):
    """openssl s_client's words; it stays until its input ends, which here is at once, or is killed."""
    command = ["openssl", "s_client", "-dtls1_2", "-connect", f"{server.host}:{port}", "-bind",
               f"{source or server.host}:{bind_port}", "-cert", certificate.cert, "-key", certificate.key,
               "-use_srtp", PROFILES, *options]
    with subprocess.Popen(command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            return process.communicate()[0]


def is_secure(said):
    return "SRTP Extension negotiated, profile=SRTP_AEAD_AES_128_GCM" in said and \
        re.search(r"Cipher is ECDHE-ECDSA-\S*GCM", said) is not None


def keyed(server, keying="dtls"):
    """The leg, once it has keys."""
    def probe():
        legs = [leg for call in server.calls() for leg in call["legs"]]
        return legs[0] if len(legs) == 1 and legs[0]["media"]["suite"] else None
    leg = waits.until("keys", probe)
    assert leg["media"]["keying"] == keying and leg["media"]["suite"] == "AEAD_AES_128_GCM", leg
    return leg


def begin(server, folder, name="phone", fingerprint=None):
    link = sip.Link(server, "tls")
    assert sip.register(link, "1000").status == 200
    certificate = Certificate(folder, name)
    return link, certificate, EchoCall(link, fingerprint or certificate.fingerprint)


def the_right_one(server, folder):
    """What the other tests are measured by."""
    _, certificate, call = begin(server, folder)
    said = shake_hands(server, call.port, certificate)
    assert is_secure(said), said
    keyed(server)
    shown = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", said, re.S)[0]
    digest = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256"], input=shown, check=True,
                            capture_output=True, text=True).stdout
    assert call.server_print in digest, (call.server_print, digest)
    call.hang_up()
    server.wait_no_call()


def the_wrong_certificate(server, folder):
    """The call ends, and everyone is told why; nothing was believed."""
    other = Certificate(folder, "other")
    link, certificate, call = begin(server, folder, fingerprint=other.fingerprint)
    shake_hands(server, call.port, certificate)
    bye = link.wait(lambda m: m.method == "BYE")
    assert "certificate" in bye.get("Reason"), bye
    sip.reply(link, bye, 200, "OK")
    server.wait_no_call()
    record = server.wait_cdr(1)
    assert "certificate" in record["reason"], record
    assert not record["legs"][0]["media"]["suite"] and record["legs"][0]["rx"]["packets"] == 0, record
    ended = [c for c in server.show("calls") if c["state"] == "ended"]
    assert ended and "certificate" in ended[0]["reason"], ended
    server.log.wait_line(r"media_keying_failed.*certificate")


def a_stranger(server, folder):
    """ClientHello from another host: not one byte comes back; the call's phone is served after it."""
    _, certificate, call = begin(server, folder)
    for n in range(3):
        said = shake_hands(server, call.port, certificate, source=STRANGER, bind_port=45000 + n, seconds=2)
        assert not is_secure(said), said
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((STRANGER, 0))
        for _ in range(100):
            s.sendto(hello(), (server.host, call.port))
        s.settimeout(0.5)
        try:
            raise AssertionError(f"a stranger was answered: {s.recv(2048).hex()}")
        except TimeoutError:
            pass
    assert is_secure(shake_hands(server, call.port, certificate))
    keyed(server)
    call.hang_up()


def bad_clients(server, folder):
    """From the phone's own address: each fails by itself, and the next one works."""
    _, certificate, call = begin(server, folder)
    for options in (("-cipher", "eNULL:@SECLEVEL=0"), ("-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
                    ("-cipher", "aNULL:@SECLEVEL=0"), ("-cipher", "AES128-GCM-SHA256"),
                    ("-no_dtls1_2", "-dtls1", "-cipher", "ALL:@SECLEVEL=0"),
                    ("-use_srtp", "SRTP_AES128_CM_SHA1_32", "-noservername")):
        said = shake_hands(server, call.port, certificate, *options, seconds=3)
        assert not is_secure(said), said
    assert len(server.calls()) == 1, "a failed handshake has ended the call"
    assert is_secure(shake_hands(server, call.port, certificate))
    keyed(server)
    call.hang_up()


def garbage(server, folder):
    """Alerts, junk, mutated and cut records from the phone's own address, before the handshake."""
    _, certificate, call = begin(server, folder)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((server.host, PHONE_PORT))
        fatal = bytes.fromhex("15fefd0000000000000000000202") + b"\x28"
        for n in range(3000):
            packet = bytearray(hello())
            packet[secrets.randbelow(len(packet))] ^= 1 << n % 8
            s.sendto((fatal, bytes(packet), bytes(packet[:n % len(packet)]) or b"\x16",
                      b"\x16" + secrets.token_bytes(n % 1400))[n % 4], (server.host, call.port))
            # clear media, which nobody may hear
            s.sendto(struct.pack("!BBHII", 128, 8, n & 0xffff, n * 160, 7) + b"\xd5" * 160,
                     (server.host, call.port))
    leg = server.calls()[0]["legs"][0]
    assert leg["rx"]["packets"] == 0 and leg["tx"]["packets"] == 0, leg
    assert is_secure(shake_hands(server, call.port, certificate))
    keyed(server)
    call.hang_up()


# --- a flood ---

def hello(cookie=b""):
    """A ClientHello that any server would answer; each with a random of its own."""
    suites = bytes.fromhex("c02bc02f")
    extensions = bytes.fromhex("000a00060004001d0017" "000b00020100" "000d0006000404030804"
                               "000e0007000400070001" "00")
    body = (b"\xfe\xfd" + secrets.token_bytes(32) + b"\0" + bytes([len(cookie)]) + cookie +
            struct.pack("!H", len(suites)) + suites + b"\x01\x00" + struct.pack("!H", len(extensions)) +
            extensions)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + b"\0\0" + b"\0\0\0" + \
        struct.pack("!I", len(body))[1:] + body
    return b"\x16\xfe\xff\0\0" + b"\0" * 6 + struct.pack("!H", len(message)) + message


class Flood:
    """So many ClientHellos a second, over the whole range of ports, from the phones' own host and from a
    stranger's, in turn: the first is heard by the rules, the second is not."""

    def __init__(self, server, ports):
        self.server, self.ports = server, ports
        self.on, self.sent, self.seconds = True, 0, 0.0
        self.thread = threading.Thread(target=self.run)

    def run(self):
        ours, theirs = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        ours.bind((self.server.host, 0))
        theirs.bind((STRANGER, 0))
        packets = [hello() for _ in range(500)]
        start = time.monotonic()
        while self.on:
            due = int((time.monotonic() - start) * FLOOD_RATE) - self.sent
            for _ in range(min(due, 200)):
                n = self.sent
                s = ours if n % 2 else theirs
                s.sendto(packets[n % len(packets)], (self.server.host, self.ports[n % len(self.ports)]))
                self.sent += 1
            if due <= 0:
                time.sleep(0.002)  # the rate's grain
        self.seconds = time.monotonic() - start

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.on = False
        self.thread.join()


def a_flood(server, _):
    """100 calls are set up by DTLS while 10,000 ClientHellos a second come; all succeed."""
    media = server.roles()["media"]
    before = run.resident(media)
    results = []

    def one(_):
        with Phone(server, "1000", "--keying", "dtls", "--rtcp-mux", "--play", "tone:440", "--seconds", 2,
                   call="echo") as phone:
            results.append(phone.finish(60))

    with Flood(server, range(20000, 20200)) as flood:
        for _ in range(CALLS // AT_ONCE):
            threads = [threading.Thread(target=one, args=(n,)) for n in range(AT_ONCE)]
            for t in threads:
                t.start()
            for t in threads:
                t.join()
    grown = run.resident(media) - before
    print(f"  {flood.sent} ClientHellos in {flood.seconds:.1f} s; media has {grown} KiB more")
    assert flood.sent >= FLOOD_RATE * flood.seconds * 0.8, "the flood was none"
    assert len(results) == CALLS, len(results)
    for status, said in results:
        assert status == 0 and said["result"] == "answered", said
        assert said["media"]["keying"] == "dtls" and said["media"]["suite"] == "AEAD_AES_128_GCM", said
        assert abs((said["audio"]["tone_hz"] or 0) - 440) < 5, said
    assert run.is_sanitized() or grown < 20000, grown
    run.check_whole(server, ("tls",))


def open_server(folder):
    return run.open_server(folder, listen=("tls",), settings="[media]\nports = 20000-20199\n")


if __name__ == "__main__":
    sys.exit(run.main((the_right_one, the_wrong_certificate, a_stranger, bad_clients, garbage, a_flood),
                      "openssl", opener=open_server))
