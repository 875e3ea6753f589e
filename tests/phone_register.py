#!/usr/bin/python3
"""The headless phone against a registrar made of a UDP socket, which asks for what servers ask for:
a digest in the stronger of two algorithms, a longer registration (423), a renewal, an end."""
import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys

SOTTO = os.environ.get("SOTTO", "build/sotto")
PASSWORD, REALM = "correct horse", "example.org"
ALGORITHMS = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}


class Request:
    def __init__(self, data, source):
        head, _, self.body = data.decode().partition("\r\n\r\n")
        lines = head.split("\r\n")
        self.method, self.uri, _ = lines[0].split(" ")
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers.setdefault(name.lower(), value.strip())
        self.source = source

    def expires(self):
        return int(self.headers["expires"])

    def credentials(self):
        text = self.headers.get("authorization") or self.headers.get("proxy-authorization") or ""
        return {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', text)}

    def is_right(self, password=PASSWORD):
        """RFC 7616 s.3.4.1, with qop=auth."""
        c = self.credentials()
        h = ALGORITHMS[c["algorithm"]]

        def digest(*parts):
            return h(":".join(parts).encode()).hexdigest()

        a1 = digest(c["username"], c["realm"], password)
        a2 = digest(self.method, c["uri"])
        return c["response"] == digest(a1, c["nonce"], c["nc"], c["cnonce"], "auth", a2)


class Registrar:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(30)
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.nonces = 0
        self.seen = set()  # of CSeq: retransmissions are not looked at twice

    def receive(self, method):
        while True:
            data, source = self.socket.recvfrom(65535)
            if not data.strip():
                continue  # keep-alive
            request = Request(data, source)
            key = (request.headers["call-id"], request.headers["cseq"])
            if request.method == method and key not in self.seen:
                self.seen.add(key)
                return request

    def answer(self, request, status, *headers):
        lines = [f"SIP/2.0 {status}"]
        for name in ("Via", "From", "To", "Call-ID", "CSeq"):
            value = request.headers[name.lower()]
            lines.append(f"{name}: {value}" + (";tag=server" if name == "To" else ""))
        lines += [*headers, "Content-Length: 0", "", ""]
        self.socket.sendto("\r\n".join(lines).encode(), request.source)

    def challenge(self, request, *algorithms, header="WWW-Authenticate", status="401 Unauthorized",
                  stale=""):
        self.nonces += 1
        self.answer(request, status, *(
            f'{header}: Digest realm="{REALM}", nonce="n{self.nonces}", qop="auth", '
            f'algorithm={a}{stale}' for a in algorithms))

    def accept(self, request, seconds):
        contact = request.headers["contact"].partition(";expires")[0]
        self.answer(request, "200 OK", f"Contact: {contact};expires={seconds}")


def start(verb, registrar, *options):
    env = dict(os.environ, SOTTO_PASSWORD=PASSWORD)
    # In the foreground timeout(1) passes a signal on once: twice would mean "at once".
    return subprocess.Popen(["timeout", "--foreground", "60", SOTTO, *verb, "--as",
                             f"1000@{REALM}", "--server", registrar.address, "--transport", "udp",
                             "--json", *options],
                            stdout=subprocess.PIPE, text=True, env=env)


def event(phone):
    return json.loads(phone.stdout.readline())


def test_life_of_a_registration():
    registrar = Registrar()
    phone = start(["phone"], registrar, "--expires", "1")
    request = registrar.receive("REGISTER")
    assert request.uri == f"sip:{REALM}" and request.expires() == 1, request.uri
    registrar.challenge(request, "MD5", "SHA-512-256", "SHA-256")
    request = registrar.receive("REGISTER")
    assert request.credentials()["algorithm"] == "SHA-256", "the strongest that both can"
    assert request.credentials()["username"] == "1000" and request.is_right()
    registrar.answer(request, "423 Interval Too Brief", "Min-Expires: 2")
    request = registrar.receive("REGISTER")
    assert request.expires() == 2
    registrar.challenge(request, "MD5", stale=", stale=true")
    request = registrar.receive("REGISTER")
    assert request.is_right() and request.credentials()["algorithm"] == "MD5"
    registrar.accept(request, 2)
    registered = event(phone)
    assert registered["event"] == "registered" and registered["expires"] == 2, registered
    request = registrar.receive("REGISTER")  # in time, without being asked
    assert request.expires() == 2
    registrar.accept(request, 2)
    phone.send_signal(signal.SIGINT)
    while request.expires():  # a renewal may come first
        request = registrar.receive("REGISTER")
        registrar.accept(request, 0)
    assert phone.wait() == 0
    assert phone.stdout.read() == "", "a renewal is no news"


def test_wrong_password():
    registrar = Registrar()
    call = start(["call", "1001"], registrar)
    registrar.challenge(registrar.receive("REGISTER"), "SHA-256")
    request = registrar.receive("REGISTER")
    assert not request.is_right("another one")
    registrar.challenge(request, "SHA-256")
    assert call.wait() == 1
    result = event(call)
    assert result["result"] == "failed" and result["status"] == 401, result
    assert "does not accept" in result["reason"], result


def test_refused():
    registrar = Registrar()
    phone = start(["phone"], registrar)
    registrar.answer(registrar.receive("REGISTER"), "403 Forbidden")
    assert phone.wait() == 1
    assert event(phone)["status"] == 403


def test_server_comes_back():
    registrar = Registrar()
    phone = start(["phone"], registrar)
    registrar.answer(registrar.receive("REGISTER"), "503 Service Unavailable")
    assert event(phone)["event"] == "unregistered"
    registrar.accept(registrar.receive("REGISTER"), 300)
    assert event(phone)["event"] == "registered"
    phone.send_signal(signal.SIGTERM)
    registrar.accept(registrar.receive("REGISTER"), 0)
    assert phone.wait() == 0


def test_challenged_invite():
    """A proxy's 407 to the INVITE; the second try has credentials, a new branch, the next CSeq."""
    registrar = Registrar()
    call = start(["call", "1001"], registrar, "--no-register")
    first = registrar.receive("INVITE")
    assert first.uri == f"sip:1001@{REALM}" and "a=crypto:" in first.body
    registrar.challenge(first, "SHA-256", header="Proxy-Authenticate",
                        status="407 Proxy Authentication Required")
    second = registrar.receive("INVITE")
    assert second.is_right() and "proxy-authorization" in second.headers
    assert second.body == first.body and second.headers["via"] != first.headers["via"]
    assert int(second.headers["cseq"].split()[0]) == int(first.headers["cseq"].split()[0]) + 1
    registrar.answer(second, "404 Not Found", 'Warning: 399 x "no such number"')
    assert call.wait() == 1
    result = event(call)
    assert result["status"] == 404 and "no such number" in result["reason"], result


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_") and callable(f)]
    failed = 0
    for name, test in tests:
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        try:
            test()
            print(f"ok {name}", flush=True)
        except (AssertionError, KeyError, OSError, ValueError) as e:
            failed += 1
            print(f"FAIL {name}: {type(e).__name__} {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
