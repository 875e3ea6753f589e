#!/usr/bin/python3
"""The HTTP face of a running server: pages and their headers, log-in of administrators, the API, metrics;
requests that are large, slow or of other sites; kill -9 of web, and of signal, under it."""
import gzip
import http.client
import json
import re
import socket
import threading

from lib import run, sip, websocket
from lib.run import waits

PASSWORD = "a password that was chosen"
JSON = {"Content-Type": "application/json"}
IDLE = 100  # connections held while others are served


class Browser:
    """One connection after the other, a cookie, JSON."""

    def __init__(self, server, source=None):
        self.server, self.source, self.cookie = server, source, None

    def connect(self):
        c = http.client.HTTPSConnection(self.server.host, 8443, timeout=waits.PATIENCE,
                                        context=sip.tls_context(),
                                        source_address=(self.source, 0) if self.source else None)
        return c

    def ask(self, method, path, body=None, **headers):
        """(status, headers, body)"""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers = {**JSON, **headers}
        c = self.connect()
        try:
            c.request(method, path, body, headers)
            r = c.getresponse()
            return r.status, r.headers, r.read()
        finally:
            c.close()

    def api(self, path, args=None, **headers):
        """(status, reply)"""
        status, _, body = self.ask("GET" if args is None else "POST", f"/api/v1/{path}", args, **headers)
        return status, json.loads(body)

    def log_in(self, password, name="admin"):
        status, headers, body = self.ask("POST", "/api/v1/login", {"name": name, "password": password})
        if status == 200:
            cookie = headers["Set-Cookie"]
            for word in ("__Host-", "HttpOnly", "Secure", "SameSite=Strict", "Path=/"):
                assert word in cookie, cookie
            self.cookie = cookie.partition(";")[0]
        return status, json.loads(body)


def one_time_password(server):
    return re.search(r"one-time password (\S+)", server.log.text())[1]


def logged_in(server):
    browser = Browser(server)
    server.cli("admin", "passwd", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    assert browser.log_in(PASSWORD)[0] == 200
    return browser


def test_page(server, _folder):
    browser = Browser(server)
    status, headers, body = browser.ask("GET", "/")
    assert status == 200 and b"<html" in body and headers["Content-Type"].startswith("text/html")
    for name, word in (("Content-Security-Policy", "default-src 'none'"),
                       ("Content-Security-Policy", "frame-ancestors 'none'"),
                       ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                       ("Permissions-Policy", "microphone=(self)"), ("Cache-Control", "no-cache")):
        assert word in headers[name], (name, headers[name])
    assert browser.ask("GET", "/", If_None_Match=headers["ETag"])[0] == 304
    status, packed, data = browser.ask("GET", "/", Accept_Encoding="br, gzip")
    assert packed["Content-Encoding"] == "gzip" and gzip.decompress(data) == body
    for path in re.findall(rb'(?:src|href)="([^":]+)"', body):
        status, got, data = browser.ask("GET", "/" + path.decode().lstrip("./"))
        assert status == 200 and data, path
        assert b"-" not in path or "immutable" in got["Cache-Control"], (path, got["Cache-Control"])
    assert browser.ask("HEAD", "/")[0] == 200
    assert browser.ask("POST", "/", {})[0] == 405
    for path in ("/nothing", "/../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/index.html/"):
        assert browser.ask("GET", path)[0] == 404, path
    assert browser.ask("GET", "/healthz")[2] == b"ok\n"


def test_what_a_page_needs_to_know(server, _folder):
    status, told = Browser(server).api("server")
    assert status == 200 and told["domain"] == "sotto.test" and told["ws_path"] == "/ws", told
    assert told["version"]


def test_first_log_in(server, _folder):
    browser, once = Browser(server), one_time_password(server)
    assert browser.api("user/list")[0] == 401
    assert browser.log_in("wrong")[0] == 401
    assert browser.log_in(once, name="nobody")[0] == 401
    status, told = browser.log_in(once)
    assert status == 200 and told["result"]["must_change"], told
    status, told = browser.api("user/list")
    assert status == 403 and told["code"] == "must_change", told
    assert browser.api("admin/passwd", {"name": "admin", "password": "short"})[0] == 400
    assert browser.api("admin/add", {"name": "other"})[0] == 403
    assert browser.api("admin/passwd", {"name": "admin", "password": PASSWORD})[0] == 200
    assert browser.api("user/list")[0] == 200
    assert browser.api("session")[1]["result"] == {"name": "admin", "must_change": False}
    other = Browser(server)
    assert other.log_in(once)[0] == 401
    assert other.log_in(PASSWORD)[0] == 200
    # A changed password ends the others; a log-out its own.
    assert browser.api("admin/passwd", {"name": "admin", "password": PASSWORD + "!"})[0] == 200
    assert other.api("session")[0] == 401 and browser.api("session")[0] == 200
    assert browser.api("logout", {})[0] == 200
    assert browser.api("session")[0] == 401
    log = server.log.text()
    assert 'did="admin passwd"' in log and PASSWORD not in log, "a password is in the log"


def test_api(server, _folder):
    browser = logged_in(server)
    status, told = browser.api("user/add", {"name": "1002", "display": "Zoë"})
    assert status == 200 and len(told["result"]["password"]) >= 16, told
    assert browser.api("user/show?name=1002")[1]["result"]["display"] == "Zoë"
    assert browser.api("user/add", {"name": "1002"})[0] == 409
    assert browser.api("user/show?name=1003")[0] == 404
    assert browser.api("user/add", {"nam": "1002"})[0] == 400
    assert browser.api("user/ad", {})[0] == 404
    assert browser.ask("GET", "/api/v1/user/del?name=1002")[0] == 405
    assert browser.ask("PUT", "/api/v1/user/list", {})[0] == 405
    assert browser.ask("POST", "/api/v1/user/add", "[1]", **{"Content-Type": "application/json"})[0] == 400
    assert browser.ask("POST", "/api/v1/user/add", '{"name":', **{"Content-Type": "application/json"})[0] == 400
    assert browser.api("cert/renew", {"force": True})[0] == 403  # keys: by the control socket alone
    assert {r["role"] for r in browser.api("show/roles")[1]["result"]} >= {"signal", "media", "web"}
    assert any(c["transport"] == "https" for c in browser.api("show/connections")[1]["result"])
    assert browser.api("user/del", {"name": "1002"})[0] == 200
    token = browser.log_in(PASSWORD)[1]["result"]["token"]
    program = Browser(server)
    assert program.api("user/list", Authorization=f"Bearer {token}")[0] == 200
    assert program.api("user/list", Authorization="Bearer " + "0" * 64)[0] == 401


def test_other_sites(server, _folder):
    """What a browser would send along with the cookie because another page asks for it."""
    browser = logged_in(server)
    own = f"https://{server.host}:8443"
    for headers, status in (({"Origin": own}, 200), ({"Sec_Fetch_Site": "same-origin"}, 200),
                            ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403),
                            ({"Sec_Fetch_Site": "cross-site"}, 403),
                            ({"Sec_Fetch_Site": "same-site"}, 403),
                            ({"Content-Type": "text/plain"}, 403)):
        got = browser.api("domain/list", {}, **headers)
        assert got[0] == status, (headers, got)
    assert browser.api("domain/list", Sec_Fetch_Site="cross-site")[0] == 403


def test_guessing(server, _folder):
    for n in range(5):
        assert Browser(server).log_in(f"guess {n}")[0] == 401
    status, headers, body = Browser(server).ask("POST", "/api/v1/login",
                                                {"name": "admin", "password": "x"})
    assert status == 429 and int(headers["Retry-After"]) <= 31, (status, body)
    once = one_time_password(server)
    assert Browser(server).log_in(once)[0] == 429  # the right one waits, too
    assert Browser(server, source="10.99.0.2").log_in(once)[0] == 200


def test_metrics(server, _folder):
    with websocket.Link(server) as link:
        assert sip.register(link).status == 200
        assert Browser(server, source="10.99.0.2").ask("GET", "/metrics")[0] == 401
        status, headers, body = Browser(server, source="10.99.0.2").ask(
            "GET", "/metrics", Authorization="Bearer 0123456789abcdef")
    text = body.decode()
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) sotto_\w+ .+|sotto_\w+(\{[^{}]*\})? \d+', line), line
    for line in ("sotto_up 1", "sotto_registrations 1", 'sotto_connections{transport="wss"} 1',
                 'sotto_role_restarts_total{role="web"} 0', "sotto_srtp_auth_failures_total 0"):
        assert line in text.splitlines(), f"{line}\nis not in\n{text}"
    assert re.search(r'sotto_certificate_expiry_timestamp_seconds\{certificate="server"\} \d{10}', text)
    with socket.create_connection((server.host, 8443)) as s:  # no TLS: a reason that is counted
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        s.settimeout(waits.PATIENCE)
        while s.recv(100):
            pass
    assert Browser(server).ask("GET", "/metrics")[0] == 401  # 10.99.0.1 is not loopback either
    told = json.loads(server.cli("show", "metrics", "--json"))
    assert told["handshakes_failed"]["plain-text"] == 1, told


def test_large_requests(server, _folder):
    browser = logged_in(server)
    status, told = browser.api("user/add", {"name": "x" * 60000})
    assert status == 400, told
    assert browser.ask("POST", "/api/v1/user/add", b" " * 65537, **JSON)[0] == 413
    assert browser.ask("GET", "/", X_Large="x" * 20000)[0] in (400, 413, 431)
    assert browser.api("session")[0] == 200


def test_slow_and_idle(server, _folder):
    """Whoever says little keeps nobody from being served, and costs little."""
    held = []
    before = run.resident(server.roles()["web"])
    for n in range(IDLE):
        s = websocket.connect(server, "wss")
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" if n % 2 else b"GET / HTTP/1.1\r\nHo")
        held.append(s)
    assert Browser(server).ask("GET", "/healthz")[0] == 200
    with websocket.Link(server) as link:
        assert sip.options(link).status == 200
    print(f"  {IDLE} idle connections: {(run.resident(server.roles()['web']) - before) / IDLE:.1f} "
          "KiB each in web")
    for s in held:
        s.close()
    waits.until("all of them are gone", lambda: not server.show("connections"))


def test_many_at_once_and_slow_reader(server, _folder):
    wanted = Browser(server).ask("GET", "/")[2]
    with websocket.connect(server, "wss") as s:  # asks a thousand times and reads nothing
        s.settimeout(1)
        try:
            for _ in range(1000):
                s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
        except (TimeoutError, OSError):
            pass
        got = []

        def many():
            for _ in range(20):
                got.append(Browser(server).ask("GET", "/")[2] == wanted)
        threads = [threading.Thread(target=many) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(got) == 160 and all(got)
        assert run.resident(server.roles()["signal"]) < 200_000


def test_kill_of_roles(server, _folder):
    with websocket.Link(server) as phone:
        assert sip.register(phone).status == 200
        with websocket.connect(server, "wss") as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            assert websocket.answer(s)[0] == 200
            server.kill_role("web")
            s.settimeout(waits.PATIENCE)
            assert s.recv(100) == b""  # told at once, not left to wait
        assert Browser(server).ask("GET", "/healthz")[0] == 200
        server.kill_role("signal")
        assert sip.options(phone).status == 200
        waits.until("the page is there again", lambda: Browser(server).ask("GET", "/healthz")[0] == 200)
        assert Browser(server).ask("GET", "/")[0] == 200


TESTS = (test_page, test_what_a_page_needs_to_know, test_first_log_in, test_api, test_other_sites,
         test_guessing, test_metrics, test_large_requests, test_slow_and_idle,
         test_many_at_once_and_slow_reader, test_kill_of_roles)


def open_server(folder):
    server = run.Server(folder, settings="[web]\nmetrics_token = 0123456789abcdef\n")
    server.start()
    server.add_user("1000", transport="tls,wss")
    return server


run.main(TESTS, opener=open_server)
