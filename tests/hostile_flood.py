#!/usr/bin/python3
"""Floods and bad TLS: half messages, floods of connections, garbage and old versions where TLS is due. A
phone that has registered keeps its service."""
import os
import resource
import select
import socket
import ssl
import subprocess
import time

from lib import run, sip
from lib.run import waits
from interop.lib.server import SOTTO

PER_SOURCE = 1024  # TRANSPORT_PER_SOURCE
SLOTS = 3000
SOURCES = [f"10.99.0.{n}" for n in range(10, 20)]
ATTEMPTS = 10000
SETTINGS = f"[limits]\nconnections = {SLOTS}\n"


def add_sources():
    for source in SOURCES:
        subprocess.run(["ip", "address", "add", f"{source}/24", "dev", "veth1"], check=True)


def call_works(caller, callee):
    sip.Call(caller, callee).invite().answer().hang_up()


def phones(server, kind="tls"):
    caller, callee = sip.Link(server, kind), sip.Link(server, kind)
    assert sip.register(caller, "1000").status == 200
    assert sip.register(callee, "1001").status == 200
    return caller, callee


def connect(server, kind, source):
    s = socket.socket()
    s.bind((source, 0))
    s.setblocking(False)
    try:
        s.connect((server.host, sip.PORTS[kind]))
    except BlockingIOError:
        pass
    sip.reset_on_close(s)
    return s


def still_open(sockets):
    """Those that the server has not closed, once it has had its say."""
    poll = select.poll()
    by_fd = {s.fileno(): s for s in sockets}
    for s in sockets:
        poll.register(s, select.POLLIN | select.POLLHUP | select.POLLERR | select.POLLRDHUP)
    closed = {fd for fd, _ in poll.poll(0)}
    return [s for fd, s in by_fd.items() if fd not in closed]


def half_messages(server, _):
    """A thousand peers that begin a message and never end it; each is given up on in its time."""
    caller, callee = phones(server)
    half = b"INVITE sip:1001@sotto.test SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKx\r\nSubject: "
    pid = server.roles()["signal"]
    before = run.resident(pid)
    held = []
    for _ in range(1000):
        s = connect(server, "tcp", SOURCES[0])
        held.append(s)
        select.select([], [s], [], waits.PATIENCE)
        s.send(half + b"x" * 8000)
    call_works(caller, callee)
    assert len(still_open(held)) == len(held)
    grown = run.resident(pid) - before
    print(f"  1000 half messages of 8 KiB: {grown} KiB more")
    assert run.is_sanitized() or grown < 40000, grown
    for s in held:
        s.close()
    caller.close()
    callee.close()
    run.check_whole(server)


def one_source_has_a_limit(server, _):
    caller, callee = phones(server)
    held = [connect(server, "tcp", SOURCES[1]) for _ in range(PER_SOURCE + 200)]
    waits.until("the limit", lambda: len(still_open(held)) == PER_SOURCE)
    other = sip.Link(server, "tcp", source=SOURCES[2])  # others are not meant
    assert sip.options(other).status == 200
    call_works(caller, callee)
    held[0].close()
    waits.until("room for one more", lambda: bool(still_open([connect(server, "tcp", SOURCES[1])])))
    for s in held:
        s.close()
    run.check_whole(server)


def a_flood_of_connections(server, _):
    """10,000 attempts from ten addresses: the server holds what it may and keeps serving its phones."""
    caller, callee = phones(server)
    held, start = [], time.monotonic()
    for n in range(ATTEMPTS):
        held.append(connect(server, ("tcp", "tls")[n % 2], SOURCES[n % len(SOURCES)]))
        if n % 1000 == 999:
            held = still_open(held)
            assert sip.options(caller).status == 200
    waits.until("the limit", lambda: len(still_open(held)) <= SLOTS - 2)
    shown = len(server.show("connections"))
    print(f"  {ATTEMPTS} attempts in {time.monotonic() - start:.1f} s; {shown} shown, {len(held)} not refused")
    assert shown <= SLOTS, shown
    call_works(caller, callee)
    for s in held:
        s.close()
    waits.until("free slots", lambda: len(server.show("connections")) <= 2)
    caller.close()
    callee.close()
    run.check_whole(server)


def a_flood_of_requests(server, _):
    """INVITEs and REGISTERs without credentials, as fast as they go, from a stranger."""
    caller, callee = phones(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((SOURCES[3], 0))
        s.setblocking(False)
        s.connect((server.host, sip.PORTS["udp"]))
        sent, end = 0, time.monotonic() + 3
        probe = sip.Link(server, "udp")
        slowest = 0.0
        while time.monotonic() < end:
            for _ in range(200):
                method = ("INVITE", "REGISTER", "SUBSCRIBE", "BYE")[sent % 4]
                try:
                    s.send(sip.request(probe, method, f"sip:{sip.DOMAIN}", to=f"<sip:1000@{sip.DOMAIN}>"))
                except BlockingIOError:
                    pass
                sent += 1
            start = time.monotonic()
            assert sip.options(caller).status == 200
            slowest = max(slowest, time.monotonic() - start)
        print(f"  {sent} requests in 3 s; the phone's slowest answer {slowest * 1000:.1f} ms")
        assert slowest < 1 or run.is_sanitized(), slowest
        call_works(caller, callee)
    caller.close()
    callee.close()
    assert server.show("roles")[0]["restarts"] == 0


def a_log_that_nobody_reads(server, _):
    """Whoever can make the server log must not be able to stop it by that."""
    server.stop()  # its log is read
    reader, writer = os.pipe()
    quiet = subprocess.Popen([SOTTO, "serve", "-d", server.data, "-c", server.config], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=writer, text=True)
    os.close(writer)
    try:
        assert quiet.stdout.readline() == "ready\n"
        with sip.Link(server, "udp") as link:
            bad = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", max_forwards=70).replace(b"CSeq: 1", b"CSeq: x")
            for n in range(3000):
                link.send(bad)
                if n % 100 == 0:
                    assert sip.options(link, call_id=f"log{n}").status == 200
        run.check_whole(server)
    finally:
        quiet.terminate()
        quiet.wait(waits.PATIENCE)
        os.close(reader)


# --- TLS ---

def speak(server, data, kind="tls", read=True):
    """What comes back to bytes on a bare connection, until it is closed."""
    with socket.create_connection((server.host, sip.PORTS[kind]), waits.PATIENCE) as s:
        got = b""
        try:
            s.sendall(data)
            while read:
                more = s.recv(65536)
                if not more:
                    break
                got += more
        except ConnectionResetError:
            pass
        return got


def garbage_where_tls_is_due(server, _):
    import secrets
    plain = b"OPTIONS sip:sotto.test SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK1\r\nContent-Length: 0\r\n\r\n"
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    for data in (plain, b"GET / HTTP/1.1\r\n\r\n", secrets.token_bytes(3000), b"\0" * 3000, b"\xff" * 3000,
                 hello + secrets.token_bytes(600), b"\x16\x03\x01\xff\xff" + b"\0" * 70000,
                 b"\x15\x03\x01\x00\x02\x02\x28", b"\x17\x03\x03\x00\x10" + b"\0" * 16,
                 b"\x16\x03\x01\x00\x00" * 50, b"\x80\x2e\x01\x03\x01" + b"\0" * 46):
        got = speak(server, data)
        assert b"SIP/2.0" not in got, got
    for _ in range(300):
        speak(server, hello[:3] + secrets.token_bytes(200), read=False)
    # A TLS hello at the port for TCP is no SIP: the connection ends.
    raw = socket.create_connection((server.host, sip.PORTS["tcp"]), waits.PATIENCE)
    try:
        sip.tls_context().wrap_socket(raw)
        raise AssertionError("TLS at the TCP port")
    except (ssl.SSLError, ConnectionError, OSError):
        pass
    # Garbage after a good handshake.
    for data in (b"\x17\x03\x03\x00\x20" + b"x" * 32, b"\x16\x03\x03\x00\x04\0\0\0\0", b"\x15\x03\x03\x00\x02\x01\x00"):
        link = sip.Link(server, "tls")
        fd = socket.socket(fileno=link.socket.detach())
        fd.settimeout(waits.PATIENCE)
        fd.sendall(data)
        try:
            while fd.recv(65536):
                pass
        except ConnectionResetError:
            pass
        fd.close()
    run.check_whole(server)


def handshake(server, *, low=None, high=None, ciphers=None, ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers:
        context.set_ciphers(ciphers)
    if ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(ca)
    if low:
        context.minimum_version = low
    if high:
        context.maximum_version = high
    with socket.create_connection((server.host, sip.PORTS["tls"]), waits.PATIENCE) as s:
        with context.wrap_socket(s) as t:
            return t.version(), t.cipher()[0]


def old_versions_and_weak_suites(server, folder):
    import warnings
    warnings.simplefilter("ignore")
    v = ssl.TLSVersion
    assert handshake(server)[0] == "TLSv1.3"
    assert handshake(server, high=v.TLSv1_2)[0] == "TLSv1.2"
    for version in (v.TLSv1, v.TLSv1_1):
        try:
            got = handshake(server, low=version, high=version, ciphers="ALL:@SECLEVEL=0")
            raise AssertionError(f"{version} was taken: {got}")
        except (ssl.SSLError, ConnectionError):
            pass
    for suite in ("NULL", "RC4", "eNULL", "aNULL", "3DES", "DES", "MD5", "CAMELLIA", "kRSA", "PSK", "AES128-SHA",
                  "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "EXPORT", "SEED", "IDEA"):
        try:
            got = handshake(server, high=v.TLSv1_2, ciphers=f"{suite}:@SECLEVEL=0")
        except (ssl.SSLError, ConnectionError):
            continue
        raise AssertionError(f"{suite} was taken: {got}")
    # Renegotiation is refused, and ends nothing but its own connection.
    done = subprocess.run(["openssl", "s_client", "-connect", f"{server.host}:{sip.PORTS['tls']}", "-tls1_2"],
                          input=b"R\n", capture_output=True, timeout=waits.PATIENCE, check=False)
    text = (done.stdout + done.stderr).decode(errors="replace")
    assert "RENEGOTIATING" in text, text
    assert text.count("Certificate chain") <= 1, "renegotiated"
    # A client that trusts another CA refuses our certificate; that is its right and nobody's trouble.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", folder / "k", "-out", folder / "c", "-subj", "/CN=other"], check=True,
                   capture_output=True)
    try:
        handshake(server, ca=folder / "c")
        raise AssertionError("a stranger's CA was enough")
    except ssl.SSLError:
        pass
    assert handshake(server, ca=server.ca)
    run.check_whole(server)


def a_byte_of_hello_at_a_time(server, _):
    context = sip.tls_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with socket.create_connection((server.host, sip.PORTS["tls"]), waits.PATIENCE) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    s.sendall(bytes((byte,)))
                incoming.write(s.recv(65536))
        for byte in outgoing.read():
            s.sendall(bytes((byte,)))
        assert tls.version() == "TLSv1.3"
    run.check_whole(server)


def open_with_limits(folder):
    if not hasattr(open_with_limits, "done"):
        add_sources()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
        open_with_limits.done = True
    return run.open_server(folder, settings=SETTINGS)


if __name__ == "__main__":
    run.main([half_messages, one_source_has_a_limit, a_flood_of_connections, a_flood_of_requests,
              a_log_that_nobody_reads, garbage_where_tls_is_due, old_versions_and_weak_suites, a_byte_of_hello_at_a_time], "openssl",
             opener=open_with_limits)
