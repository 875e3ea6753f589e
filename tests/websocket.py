#!/usr/bin/python3
"""SIP over WebSocket against a running server: the opening handshake and who is refused, calls, keep-alive,
frames that break the protocol, and kill -9 of signal, which no WebSocket may notice."""
import json
import socket
import subprocess

from lib import run, sip, websocket
from lib.run import waits
from interop.lib.server import SOTTO, PASSWORD
from lib.websocket import BINARY, CLOSE, PING, PONG, TEXT, frame

KINDS = ("ws", "wss")


def opened(server, **fields):
    """Status and text that the opening request gets."""
    with websocket.connect(server, "wss") as s:
        s.sendall(websocket.upgrade(server.host, **fields)[0])
        status, got, body = websocket.answer(s)
        while len(body) < int(got.get("content-length", 0)):
            body += s.recv(4096)
        return status, body.decode()


def test_opening(server, _folder):
    own = f"https://{server.host}:8443"
    for fields, status, word in (
            ({}, 101, ""), ({"Origin": own}, 101, ""),
            ({"Origin": "https://sotto.test:8443"}, 101, ""),
            ({"Origin": "https://friend.example"}, 101, ""),
            ({"Sec_WebSocket_Protocol": "chat, sip"}, 101, ""),
            ({"Origin": "https://evil.example"}, 403, "another site"),
            ({"Origin": "http://sotto.test"}, 403, "another site"),
            ({"Origin": "https://10.99.0.2:8443"}, 403, "another site"),
            ({"Origin": "null"}, 403, "another site"),
            ({"Sec_WebSocket_Protocol": None}, 400, "Sec-WebSocket-Protocol: sip"),
            ({"Sec_WebSocket_Protocol": "mqtt"}, 400, "Sec-WebSocket-Protocol: sip"),
            ({"Sec_WebSocket_Version": "8"}, 426, "13"),
            ({"Sec_WebSocket_Key": "short"}, 400, "Sec-WebSocket-Key"),
            ({"Host": None}, 400, "Host")):
        got = opened(server, **fields)
        assert got[0] == status and word in got[1], (fields, got)


def test_register_and_call(server, _folder):
    for kind in KINDS:
        with websocket.Link(server, kind) as a, websocket.Link(server, kind) as b:
            assert sip.options(a).status == 200
            assert sip.register(a).status == 200
            assert sip.register(b, "1001").status == 200
            shown = {r["user"].split("@")[0]: r for r in server.show("registrations")}
            assert shown["1000"]["transport"] == kind and ".invalid" in shown["1000"]["contact"], shown
            assert [c["transport"] for c in server.show("connections")] == [kind, kind]
            # To a WebSocket goes what a browser wants, DTLS, which this client cannot answer.
            call = sip.Call(a, b).invite()
            via = call.incoming.get("Via")
            assert via.startswith(f"SIP/2.0/{kind.upper()} "), via
            assert ";transport=ws" in call.incoming.get("Contact"), call.incoming
            sip.reply(b, call.incoming, 486, "Busy Here", to_tag=call.callee_tag)
            assert b.wait(lambda m: m.method == "ACK")
            busy = a.answer_to(call.call_id, 2)
            assert busy.status == 486, busy
            call.acknowledge(busy, 2)
            server.wait_no_call()
            assert sip.register(b, "1001", expires=0).status == 200
            with sip.Link(server, "tls") as desk:
                assert sip.register(desk, "1001").status == 200
                call = sip.Call(a, desk).invite().answer()
                legs = server.answered()["legs"]
                assert [leg["signalling"]["transport"] for leg in legs] == [kind, "tls"], legs
                call.hang_up()
                server.wait_no_call()
                assert sip.register(desk, "1001", expires=0).status == 200
    listeners = {(one["transport"], one["encrypted"]) for one in server.show("listeners")}
    assert {("ws", False), ("wss", True), ("https", True)} <= listeners, listeners


def test_our_phone(server, _folder):
    for kind in KINDS:
        done = subprocess.run(
            [SOTTO, "call", "echo", "--as", "1000@sotto.test", "--server",
             f"{server.host}:{8443 if kind == 'wss' else 8080}", "--transport", kind, "--ca", server.ca,
             "--password-stdin", "--play", "tone:440", "--seconds", "2", "--json"],
            input=PASSWORD + "\n", text=True, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        end = json.loads(done.stdout.splitlines()[-1])
        assert end["result"] == "answered" and abs(end["audio"]["tone_hz"] - 440) < 5, end
        assert end["signalling"]["transport"] == kind, end


def test_keep_alive(server, _folder):
    with websocket.Link(server) as link:
        link.raw(frame(b"still there?", PING))
        assert link.next_frame() == (PONG, b"still there?")
        link.raw(frame(b"\r\n\r\n"))
        assert link.next_frame() == (TEXT, b"\r\n")
        link.raw(frame(b"\r\n") + frame(b"", PONG))
        link.raw(frame(sip.request(link, "OPTIONS", "sip:sotto.test"), BINARY))
        assert link.receive().status == 200
        link.raw(frame(b"\x03\xe8bye", CLOSE))
        assert link.next_frame() == (CLOSE, b"\x03\xe8")
        assert link.is_closed()


def test_bad_frames(server, _folder):
    for data, code in ((frame(b"hi", masked=False), 1002),
                       (frame(b"hi", rsv=4), 1002),
                       (frame(b"hi", opcode=3), 1002),
                       (frame(b"hi", opcode=0), 1002),
                       (frame(b"x", PING, fin=False), 1002),
                       (frame(b"x" * 126, PING), 1002),
                       (frame(b"x", BINARY, length=1 << 63), 1002),
                       (frame(b"x", BINARY, length=1 << 62), 1009),
                       (frame(b"x", BINARY, length=65536), 1009),
                       (frame(b"\xff\xfe"), 1007),
                       (frame(b"GET / HTTP/1.1\r\n\r\n"), 1001)):
        with websocket.Link(server) as link:
            link.raw(data)
            assert link.is_closed() and link.closed == code, (data[:20], link.closed)


def test_a_million_pieces(server, _folder):
    piece = frame(b"x", 0, fin=False)
    with websocket.Link(server) as link, websocket.Link(server) as other:
        before = run.resident(server.roles()["signal"])
        sent = 0
        try:
            link.raw(frame(b"x", TEXT, fin=False))
            while sent < 1_000_000:
                link.raw(piece * 1000)
                sent += 1000
        except OSError:
            pass  # closed meanwhile
        assert sent < 1_000_000, "a million pieces were read"
        assert sip.options(other).status == 200
        assert run.resident(server.roles()["signal"]) - before < 2000


def test_split_and_slow(server, _folder):
    """A message in the most pieces that are allowed, its bytes one by one."""
    with websocket.Link(server) as link:
        text = sip.request(link, "OPTIONS", "sip:sotto.test", call_id="slow")
        step = len(text) // 60 + 1
        parts = [text[i:i + step] for i in range(0, len(text), step)]
        data = b"".join(frame(part, TEXT if i == 0 else 0, fin=i == len(parts) - 1)
                        for i, part in enumerate(parts))
        for i in range(len(data)):
            link.raw(data[i:i + 1])
        assert link.answer_to("slow", 1).status == 200


def test_idle_opening(server, _folder):
    """Whoever says nothing, or half a request, is let go; meanwhile others are served."""
    silent = [websocket.connect(server, "ws") for _ in range(20)]
    for s in silent[10:]:
        s.sendall(b"GET /ws HTTP/1.1\r\nHost: a\r\n")
    with websocket.Link(server, "ws") as link:
        assert sip.options(link).status == 200
    for s in silent:
        s.settimeout(waits.PATIENCE)
        assert s.recv(100) == b""
        s.close()
    waits.until("no connection is left", lambda: not server.show("connections"))


def test_kill_of_signal(server, _folder):
    with websocket.Link(server) as a, sip.Link(server, "tls") as b, \
            websocket.connect(server, "wss") as early:
        assert sip.register(a).status == 200
        assert sip.register(b, "1001").status == 200
        call = sip.Call(a, b).invite().answer()
        known = {c["remote"] for c in server.show("connections") if c["user"]}
        for _ in range(2):
            server.kill_role("signal")
            assert sip.options(a).status == 200
            assert sip.options(b).status == 200
            assert server.answered()
        assert known == {c["remote"] for c in server.show("connections") if c["user"]}
        call.hang_up()
        server.wait_no_call()
        early.settimeout(waits.PATIENCE)  # was in the middle of its opening
        try:
            assert early.recv(1) == b""
        except (ConnectionError, socket.timeout) as e:
            assert isinstance(e, ConnectionError), "an unfinished opening hangs"


TESTS = (test_opening, test_register_and_call, test_our_phone, test_keep_alive, test_bad_frames,
         test_a_million_pieces, test_split_and_slow, test_idle_opening, test_kill_of_signal)


def open_server(folder):
    server = run.Server(folder, listen=("tls", "ws"), settings="[web]\norigins = https://friend.example\n")
    server.start()
    for user in ("1000", "1001"):
        server.add_user(user, transport="tls,ws,wss", keying="sdes")
    return server


def checked(test):
    def whole(server, folder):
        test(server, folder)
        if test is not test_kill_of_signal:
            run.check_whole(server, ("tls",))
    whole.__name__ = test.__name__
    return whole


run.main([checked(t) for t in TESTS], opener=open_server)
