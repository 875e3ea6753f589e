#!/usr/bin/python3
"""A callee whose contact is a host name and whose connection has gone is found by DNS (RFC 3263).

The phone registers over TCP with a contact at `localhost`, closes its connection and listens at that
port. A call to it must reach it there, by a connection that the server makes."""
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

SOTTO = os.environ.get("SOTTO", "build/sotto")
SIP, PHONE = 5060, 15999
DEADLINE = 20


def in_namespace():
    if os.environ.get("BY_NAME_INSIDE"):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        print("SKIP: needs root, unshare and ip for a network namespace of its own")
        sys.exit(77)
    env = dict(os.environ, BY_NAME_INSIDE="1", SOTTO=os.path.abspath(SOTTO))
    sys.exit(subprocess.run(["unshare", "-n", sys.executable, os.path.abspath(__file__)], env=env).returncode)


def sotto(*args, stdin=None):
    return subprocess.run([SOTTO, *args], input=stdin, capture_output=True, text=True, timeout=DEADLINE)


def read_message(sock):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(65536)
        if not chunk:
            raise EOFError(data)
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head).group(1))
    while len(body) < length:
        body += sock.recv(65536)
    return head.decode()


def register(sock, number, authorization=""):
    sock.sendall((
        "REGISTER sip:127.0.0.1 SIP/2.0\r\n"
        f"Via: SIP/2.0/TCP 127.0.0.1:{PHONE};branch=z9hG4bKr{number}\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:1001@127.0.0.1>;tag=f\r\nTo: <sip:1001@127.0.0.1>\r\n"
        f"Call-ID: by-name\r\nCSeq: {number} REGISTER\r\n"
        f"Contact: <sip:1001@localhost:{PHONE};transport=tcp>\r\nExpires: 120\r\n"
        f"{authorization}Content-Length: 0\r\n\r\n").encode())
    return read_message(sock)


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def register_with_digest():
    with socket.create_connection(("127.0.0.1", SIP), DEADLINE) as sock:
        challenge = register(sock, 1)
        line = next(x for x in challenge.split("\r\n") if x.lower().startswith("www-authenticate") and "MD5" in x)
        realm, nonce = (re.search(f'{k}="([^"]*)"', line).group(1) for k in ("realm", "nonce"))
        ha1, ha2 = md5(f"1001:{realm}:secret12"), md5("REGISTER:sip:127.0.0.1")
        response = md5(f"{ha1}:{nonce}:00000001:c:auth:{ha2}")
        answer = register(sock, 2, (
            f'Authorization: Digest username="1001",realm="{realm}",nonce="{nonce}",uri="sip:127.0.0.1",'
            f'algorithm=MD5,qop=auth,nc=00000001,cnonce="c",response="{response}"\r\n'))
        assert answer.startswith("SIP/2.0 200"), answer


def answer_busy(listener):
    sock, _ = listener.accept()
    sock.settimeout(DEADLINE)
    invite = read_message(sock)
    assert invite.startswith("INVITE sip:1001@localhost"), invite
    keep = [x for x in invite.split("\r\n") if re.match(r"(?i)(via|from|call-id|cseq):", x)]
    to = next(x for x in invite.split("\r\n") if x.lower().startswith("to:"))
    sock.sendall("\r\n".join(["SIP/2.0 486 Busy Here", *keep, to + ";tag=b", "Content-Length: 0", "", ""]).encode())
    assert read_message(sock).startswith("ACK ")
    return sock


def main():
    in_namespace()
    with tempfile.TemporaryDirectory() as data:
        with open(f"{data}/sotto.conf", "w") as conf:
            conf.write(f"[sip]\nlisten = tcp:127.0.0.1:{SIP}, tls:127.0.0.1:5061\n")
        for name, transports in (("1000", "tls"), ("1001", "tls,tcp")):
            made = sotto("user", "add", name, "--password-stdin", "--transport", transports, "-d", data, stdin="secret12\n")
            assert made.returncode == 0, made.stderr
        server = subprocess.Popen([SOTTO, "serve", "-d", data], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout.readline() == "ready\n"
            register_with_digest()
            with socket.create_server(("127.0.0.1", PHONE)) as listener:
                listener.settimeout(DEADLINE)
                call = subprocess.Popen([SOTTO, "call", "1001", "--as", "1000", "--json", "-d", data],
                                        stdout=subprocess.PIPE, text=True)
                phone = answer_busy(listener)
                out = call.communicate(timeout=DEADLINE)[0]
                phone.close()
            assert '"result":"busy"' in out.replace(" ", ""), out
        finally:
            server.terminate()
            server.wait(DEADLINE)
    print("ok: a contact that is a name was found and rung")


if __name__ == "__main__":
    main()
