#!/usr/bin/python3
"""Certificates of single domains: which one a client is given by the name that it asks for (SNI).

Runs in a network namespace of its own. Two domains, each with a certificate of a CA of its own, and
the default certificate of sotto's CA; the client is `openssl s_client`.
"""
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SOTTO = os.environ.get("SOTTO", "build/sotto")
WAIT = 20  # for anything that must happen
ADDRESS = ("127.0.0.1", 5061)
CONF = "[server]\ndomain = main.example\n[sip]\nlisten = tls:127.0.0.1:5061\n"
VERSIONS = ("-tls1_2", "-tls1_3")


def enter_namespace():
    if os.environ.get("SOTTO_IN_NETNS"):
        return
    env = dict(os.environ, SOTTO_IN_NETNS="1")
    for flags in (["-n"], ["-Urn"]):
        if subprocess.run(["unshare", *flags, "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            script = 'ip link set lo up && exec "$@"'
            os.execvpe("unshare", ["unshare", *flags, "sh", "-c", script, "sh", sys.executable, __file__,
                                   *sys.argv[1:]], env)
    print("SKIP: cannot make a network namespace")
    sys.exit(77)


class Server:
    """One `sotto serve`; its log is collected line by line."""

    def __init__(self, data, conf):
        self.process = subprocess.Popen([SOTTO, "serve", "-d", str(data), "-c", str(conf)], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.lines = []
        self.news = threading.Condition()
        threading.Thread(target=self.read_log, daemon=True).start()
        line = self.process.stdout.readline()
        assert line == "ready\n", f"stdout said {line!r}; log:\n" + "\n".join(self.lines)

    def read_log(self):
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line.rstrip("\n"))
                self.news.notify_all()

    def mark(self):
        with self.news:
            return len(self.lines)

    def wait_log(self, pattern, after=0):
        """The first line from index `after` on that matches."""
        until = time.monotonic() + WAIT
        with self.news:
            while True:
                for line in self.lines[after:]:
                    if re.search(pattern, line):
                        return line
                left = until - time.monotonic()
                if left <= 0 or not self.news.wait(left):
                    raise AssertionError(f"no log line like {pattern!r} in:\n" + "\n".join(self.lines))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=WAIT)
        finally:
            self.process.kill()


class Setting:
    """A data folder with the domains main.example (the default one), a.example and b.example."""

    def __init__(self, tmp):
        self.tmp, self.data, self.conf = tmp, tmp / "data", tmp / "c.conf"
        self.conf.write_text(CONF)
        for domain in ("main.example", "a.example", "b.example"):
            self.sotto("domain", "add", domain)
        for name in ("ca1", "ca2"):
            self.openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                         "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "900", "-subj", f"/CN={name}")

    def openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.tmp, check=True, stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=WAIT)

    def run(self, *args):
        done = subprocess.run([SOTTO, *map(str, args), "-d", str(self.data)], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=WAIT, check=False)
        return done.returncode, done.stdout, done.stderr

    def sotto(self, *args):
        status, out, err = self.run(*args)
        assert status == 0, (args, status, out, err)
        return out

    def order(self, ca, cn, san, days=90):
        """A folder as an ACME client leaves it: privkey.pem, fullchain.pem."""
        folder = self.tmp / cn
        folder.mkdir()
        self.openssl("req", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout",
                     f"{cn}/privkey.pem", "-out", f"{cn}/leaf.csr", "-subj", f"/CN={cn}")
        (folder / "ext").write_text(f"subjectAltName={san}\n")
        self.openssl("x509", "-req", "-in", f"{cn}/leaf.csr", "-CA", f"{ca}.pem", "-CAkey", f"{ca}.key",
                     "-extfile", f"{cn}/ext", "-days", str(days), "-out", f"{cn}/fullchain.pem")
        return folder

    def given(self, name, *args):
        """The CN of the certificate that a client is given who asks for `name` (None: for none)."""
        sni = ["-servername", name] if name else ["-noservername"]
        done = subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % ADDRESS, *sni, *args],
                              cwd=self.tmp, stdin=subprocess.DEVNULL, text=True, capture_output=True,
                              timeout=WAIT, check=False)
        found = re.search(r"(?m)^subject=CN = (.*)$", done.stdout)
        assert found, (name, args, done.stdout, done.stderr)
        return found[1]

    def expect(self, wanted):
        """{name: CN}, in both versions of TLS."""
        got = {v: {name: self.given(name, v) for name in wanted} for v in VERSIONS}
        assert got == {v: wanted for v in VERSIONS}, got


def options(phone, n):
    """An OPTIONS over an open connection, and its answer: the connection lives."""
    phone.sendall(f"OPTIONS sip:a.example SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1;branch=z9hG4bK{n}\r\n"
                  f"From: <sip:x@a.example>;tag={n}\r\nTo: <sip:a.example>\r\nCall-ID: {n}@x\r\n"
                  f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = phone.recv(4096)
        assert piece, "the connection was closed"
        answer += piece
    assert f"Call-ID: {n}@x\r\n".encode() in answer, answer


def connect(version, name, ca):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(ca)
    c.minimum_version = c.maximum_version = version
    return c.wrap_socket(socket.create_connection(ADDRESS, WAIT), server_hostname=name)


# --- the tests ----------------------------------------------------------------------------------

def each_name_gets_its_certificate(tmp):
    s = Setting(tmp)
    one = s.order("ca1", "one", "DNS:a.example")
    two = s.order("ca2", "two", "DNS:*.b.example,DNS:b.example")
    out = s.sotto("cert", "import", one, "--domain", "A.example")  # before the first start
    assert "Certificate of a.example" in out and "CN=one" in out, out
    with Server(s.data, s.conf):
        s.expect({"a.example": "one", "b.example": "main.example", None: "main.example"})
        s.sotto("cert", "import", two, "--domain", "b.example")
        s.expect({"a.example": "one", "A.EXAMPLE": "one", "b.example": "two", "sip.b.example": "two",
                  "a.b.b.example": "main.example", "sip.a.example": "main.example", "main.example": "main.example",
                  "unknown.example": "main.example", None: "main.example"})
        # Phones verify what they get, with the CA that they were given.
        for name, ca in (("a.example", "ca1.pem"), ("b.example", "ca2.pem"), ("main.example", "data/tls/ca.crt")):
            for version in VERSIONS:
                s.given(name, version, "-CAfile", ca, "-verify_return_error", "-verify_hostname", name)
        shown = json.loads(s.sotto("cert", "show", "--json"))
        shown = shown.get("result", shown)
        assert [(d["domain"], d["subject"], d["source"]) for d in shown["domains"]] == [
            ("a.example", "CN=one", "imported"), ("b.example", "CN=two", "imported")], shown
        assert oct((s.data / "tls/domains/a.example.key").stat().st_mode & 0o777) == "0o600"

        assert "Deleted the certificate of a.example" in s.sotto("cert", "del", "--domain", "a.example")
        s.expect({"a.example": "main.example", "b.example": "two"})


def replaced_while_a_connection_stays(tmp):
    s = Setting(tmp)
    s.sotto("cert", "import", s.order("ca1", "one", "DNS:a.example"), "--domain", "a.example")
    with Server(s.data, s.conf) as server:
        phones = [connect(v, "a.example", s.tmp / "ca1.pem")
                  for v in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
        for i, phone in enumerate(phones):
            options(phone, i)
        s.sotto("cert", "import", s.order("ca2", "newer", "DNS:a.example"), "--domain", "a.example")
        s.expect({"a.example": "newer", None: "main.example"})
        mark = server.mark()
        s.sotto("reload")
        server.wait_log(" reloaded", mark)
        for i, phone in enumerate(phones):
            options(phone, 10 + i)
        # A role that was killed is given them again.
        pid = next(r["pid"] for r in json.loads(s.sotto("show", "roles", "--json")) if r["role"] == "signal")
        os.kill(pid, 9)
        server.wait_log("role_ready role=signal .*restarts=1$")
        s.expect({"a.example": "newer", None: "main.example"})
        for i, phone in enumerate(phones):
            options(phone, 20 + i)
            phone.close()


def a_bad_one_is_named_and_the_old_serves(tmp):
    s = Setting(tmp)
    s.sotto("cert", "import", s.order("ca1", "one", "DNS:a.example"), "--domain", "a.example")
    s.sotto("cert", "import", s.order("ca2", "two", "DNS:b.example"), "--domain", "b.example")
    folder = s.data / "tls/domains"
    newer = s.order("ca2", "newer", "DNS:b.example")
    with Server(s.data, s.conf) as server:
        (folder / "a.example.crt").write_text("no certificate\n")
        shutil.copy(newer / "fullchain.pem", folder / "b.example.crt")
        shutil.copy(newer / "privkey.pem", folder / "b.example.key")
        s.sotto("reload")
        line = server.wait_log("domain_certificate_unusable")
        assert "domain=a.example" in line and f"{folder}/a.example.crt holds no certificate" in line, line
        assert "sotto cert import PATH --domain a.example" in line and "the old one serves" in line, line
        s.expect({"a.example": "one", "b.example": "newer"})
        status, out, err = s.run("cert", "show")  # the others are shown, and what is wrong is told
        assert status == 0 and "CN=newer" in out and "a.example.crt holds no certificate" in err, (out, err)
    with Server(s.data, s.conf) as server:  # nothing older is left after a start
        assert "default one serves" in server.wait_log("domain_certificate_unusable")
        s.expect({"a.example": "main.example", "b.example": "newer"})


def mistakes_are_explained(tmp):
    s = Setting(tmp)
    one = s.order("ca1", "one", "DNS:a.example")
    cases = [
        (["import", one, "--domain", "b.example"], 1, "is for a.example, not for b.example"),
        (["import", one, "--domain", "a.exmaple"], 1, "did you mean a.example?"),
        (["import", one, "--domain", "../server"], 2, "cannot be a domain"),
        (["import", one, "--domain", "*.example"], 2, "cannot be a domain"),
        (["import", tmp / "nowhere", "--domain", "a.example"], 1, "nowhere"),
        (["del", "--domain", "a.example"], 1, "no certificate of its own"),
        (["del", "--domain", "../server"], 2, "cannot be a domain"),
        (["del"], 2, "domain"),
    ]
    for args, status, words in cases:
        got = s.run("cert", *args)
        assert got[0] == status and words in got[2], (args, got)
    assert not list((s.data / "tls").glob("domains/*"))
    s.sotto("cert", "import", s.order("ca1", "short", "DNS:a.example", days=3), "--domain", "a.example")
    with Server(s.data, s.conf) as server:
        line = server.wait_log("certificate domain=a.example")
        assert re.search(r"ends in [23] days", line), line  # three, or a second less


TESTS = [each_name_gets_its_certificate, replaced_while_a_connection_stays,
         a_bad_one_is_named_and_the_old_serves, mistakes_are_explained]


def main():
    enter_namespace()
    failed = 0
    for test in TESTS:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        tmp = Path(tempfile.mkdtemp(prefix="sni-", dir=os.environ.get("TMPDIR")))
        try:
            test(tmp)
            print(f"ok {test.__name__}", flush=True)
        except Exception as e:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {test.__name__}: {type(e).__name__}: {e}", flush=True)
        finally:
            shutil.rmtree(tmp, ignore_errors=True)
    print(f"{len(TESTS) - failed} passed, {failed} failed" if not sys.argv[1:] else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
