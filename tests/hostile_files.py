#!/usr/bin/python3
"""Settings, certificates, disks and the control socket, all of them bad: each mistake is named so that it
can be mended, and a running server never minds."""
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

from lib import run, sip
from lib.run import space, waits
from interop.lib.server import SOTTO


def serve(*args, seconds=waits.PATIENCE, **how):
    done = subprocess.run([SOTTO, "serve", *map(str, args)], text=True, errors="surrogateescape",
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False, **how)
    return done.returncode, done.stdout, done.stderr


# --- sotto.conf ---

def keys():
    """(section, key) of everything that can be set, from what --check prints."""
    status, out, _ = serve("--check", "-c", "/dev/null")
    assert status == 0
    section, found = "", []
    for line in out.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        m = re.match(r"#?\s*(\w+) =", line)
        if m and section:
            found.append((section, m[1]))
    return found


# Bad for every key but those that hold free text; never a crash, never silence.
BAD = ["\x01", "-1", "99999999999999999999", "0x1f", "nonsense value", "::::", "1-", "99999-1", "tls:", "yes please",
       "a" * 170, "\xff\xfe", "10q", "1h30", "tls:1.2.3.4.5:5061", "tls:127.0.0.1:0", "tls:127.0.0.1:70000",
       "ftp:127.0.0.1:21", "../../etc/passwd", "%s%n", "${HOME}", "\"quoted\"", "a,b,,c", "5061 5061"]
# Any path; accounts are looked for when the server starts.
TEXT = {("server", "data"), ("server", "user"), ("server", "group")}


def every_key_with_bad_values(folder):
    conf = folder / "sotto.conf"
    known = keys()
    assert len(known) >= 20, known
    for section, key in known:
        refused = 0
        for value in BAD:
            conf.write_text(f"# a comment\n[{section}]\n\n{key} = {value}\n", encoding="latin-1")
            status, out, err = serve("--check", "-c", conf)
            assert status in (0, 3), (section, key, value, status, err)
            if status == 3:
                refused += 1
                assert out == "", out
                assert f"{conf}:4: [{section}] {key}" in err, (section, key, value, err)
                assert "allowed" in err, (section, key, value, err)
                assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", err), f"a control character: {err!r}"
        assert refused >= 15 or (section, key) in TEXT, f"[{section}] {key}: only {refused} of {len(BAD)} refused"


def damaged_files(folder):
    conf = folder / "sotto.conf"
    for text in ("[sip", "[]\n", "]\n", "= 5\n", "x\n", "[sip]\nlisten\n", "[sip]\nlisten = \n", "[nosuch]\na = 1\n",
                 "[sip]\nlisten = tls:127.0.0.1:5061\nlisten = tls:127.0.0.1:5062\n", "\0\0\0", "[sip]\n" + "x" * 100000,
                 "[" + "a" * 5000 + "]\n", "\xef\xbb\xbf[sip]\nlisten = udp:127.0.0.1:1\n", "[sip]\r\nnokey = 1\r\n"):
        conf.write_text(text, encoding="latin-1")
        status, _, err = serve("--check", "-c", conf)
        assert status in (0, 3), (text[:40], status, err)
        assert status == 0 or re.search(re.escape(str(conf)) + r":\d+: ", err), (text[:40], err)
    conf.write_bytes(os.urandom(20000))
    status, _, err = serve("--check", "-c", conf)
    assert status == 3 and not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", err), f"control characters for the terminal: {err!r}"
    conf.unlink()
    conf.mkdir()
    status, _, err = serve("--check", "-c", conf)
    assert status == 3 and str(conf) in err, (status, err)


def taken_ports(folder):
    conf = folder / "sotto.conf"
    for kind, type_ in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM), ("tls", socket.SOCK_STREAM)):
        with socket.socket(socket.AF_INET, type_) as s:
            s.bind((space.HOST, 5099))
            if type_ == socket.SOCK_STREAM:
                s.listen()
            conf.write_text(f"[sip]\nlisten = tls:{space.HOST}:5098, {kind}:{space.HOST}:5099\n")
            status, out, err = serve("-c", conf, "-d", folder / "data")
            proto = "udp" if kind == "udp" else "tcp"
            assert status == 4 and out == "" and f"5099/{proto}" in err, (status, out, err)


# --- the data folder ---

def data_that_cannot_be_used(folder):
    conf = folder / "sotto.conf"
    conf.write_text(f"[sip]\nlisten = tls:{space.HOST}:5061\n")
    file = folder / "file"
    file.write_text("x")
    status, _, err = serve("-c", conf, "-d", file)
    assert status in (3, 4, 5) and str(file) in err, (status, err)
    status, _, err = serve("-c", conf, "-d", file / "below")
    assert status in (3, 4, 5) and str(file) in err, (status, err)
    status, _, err = serve("-c", conf, "-d", "/proc/sotto")
    assert status in (3, 4, 5) and "/proc/sotto" in err, (status, err)
    read_only = folder / "ro"
    read_only.mkdir()
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "none", read_only], check=True)
        try:
            status, _, err = serve("-c", conf, "-d", read_only / "data")
            assert status in (3, 4, 5) and str(read_only) in err and "ead-only" in err, (status, err)
        finally:
            subprocess.run(["umount", read_only], check=True)


def stores_that_are_damaged(folder):
    conf = folder / "sotto.conf"
    conf.write_text(f"[sip]\nlisten = tls:{space.HOST}:5061\n")
    server = run.open_server(folder)
    run.stop(server)
    db = server.data / "sotto.db"
    # Two processes that close it at one moment leave the log to the next that opens it: here it is cut off.
    with contextlib.closing(sqlite3.connect(db)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = db.read_bytes()
    assert len(whole) >= 4096
    for name, bad in (("random", os.urandom(len(whole))), ("no head", b"\0" * 100 + whole[100:]),
                      ("text", b"this is no database\n" * 100),
                      ("pages", whole[:1024] + os.urandom(len(whole) - 1024)),
                      ("cut", whole[:len(whole) // 2 + 100]), ("newer", whole[:60] + b"\0\0\x7f\xff" + whole[64:])):
        for log in server.data.glob("sotto.db-*"):
            log.unlink()
        db.write_bytes(bad)
        status, out, err = serve("-c", server.config, "-d", server.data)
        assert status == 5 and out == "", (name, status, out, err)
        assert str(db) in err, (name, err)
        assert db.read_bytes() == bad, f"{name}: the file was changed"
        assert "Sanitizer" not in err, err
    db.write_bytes(whole)
    again = subprocess.run([SOTTO, "user", "list", "-d", server.data], capture_output=True, text=True, check=False)
    assert again.returncode == 0 and "1000" in again.stdout, again


# --- a full disk ---

def fill(path):
    """Takes what is left, to the last byte."""
    with open(path / "filler", "wb", buffering=0) as f:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass


def a_full_disk(folder):
    if os.geteuid() != 0:
        print("  left out: needs root to mount a small disk")
        return
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", disk], check=True)
    try:
        disk_tests(folder, disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def disk_tests(folder, disk):
    server = run.Server(folder, listen=run.ALL)
    server.data = disk
    server.start()
    try:
        for user in ("1000", "1001"):
            server.add_user(user, transport="udp,tcp,tls")
        fill(disk)
        mark = server.log.mark()
        caller, callee = sip.Link(server, "tls"), sip.Link(server, "tls")
        assert sip.register(caller, "1000").status == 200
        assert sip.register(callee, "1001").status == 200
        for _ in range(5):
            sip.Call(caller, callee).invite().answer().hang_up()
        for _ in range(3):
            status, _, err = server.run("user", "add", "1002")
            assert status != 0 and "disk" in err and "full" in err, (status, err)
        server.wait_no_call()
        assert len(server.show("registrations")) == 2
        # 5 calls and several attempts to store bindings: each kind of trouble is told once, with a way out.
        waits.until("the trouble in the log", lambda: [
            line for line in server.log.since(mark) if "bindings_not_stored" in line])
        waits.until("the trouble in the log", lambda: [
            line for line in server.log.since(mark) if "cdr_not_written" in line])
        for _ in range(5):
            assert sip.register(caller, "1000").status == 200
        start = time.monotonic()
        while time.monotonic() - start < 6:  # the store is tried again every 5 s
            assert sip.options(caller).status == 200
            select_a_moment()
        for event in ("bindings_not_stored", "cdr_not_written"):
            told = [line for line in server.log.since(mark) if f" {event} " in line]
            assert len(told) == 1, "\n".join(told)
            assert "hint=" in told[0], told[0]
        for role in server.show("roles"):
            assert role["restarts"] == 0
        (disk / "filler").unlink()
        mark = server.log.mark()
        server.log.wait_line("bindings_stored", mark)
        sip.Call(caller, callee).invite().answer().hang_up()
        server.wait_cdr(1)
        server.cdrs()  # every line is whole
        server.add_user("1002")
        os.kill(server.roles()["signal"], signal.SIGKILL)
        server.log.wait_line("role_ready.*role=signal", mark)
        assert len(server.show("registrations")) == 2
    finally:
        server.stop()


def select_a_moment():
    import select
    select.select([], [], [], 0.2)


# --- certificates ---

def openssl(*args, **how):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, **how)


def make_cert(folder, name, *, days="30", san="DNS:sotto.test", key=None):
    folder.mkdir(exist_ok=True)
    if not key:
        key = folder / "privkey.pem"
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    openssl("req", "-x509", "-new", "-key", key, "-out", folder / "fullchain.pem", "-days", days, "-subj",
            f"/CN={name}", "-addext", f"subjectAltName={san}")
    return folder


def presented(server):
    """The certificate in force, as a phone sees it."""
    with sip.Link(server, "tls") as link:
        return link.socket.getpeercert(binary_form=True)


def bad_certificates(folder):
    server = run.open_server(folder)
    try:
        before = presented(server)
        good = make_cert(folder / "good", "sotto.test")
        other = make_cert(folder / "other", "sotto.test")
        cases = {}

        def case(name, cert, key):
            path = folder / name
            path.mkdir()
            (path / "fullchain.pem").write_bytes(cert)
            (path / "privkey.pem").write_bytes(key)
            cases[name] = path
        cert, key = ((good / f).read_bytes() for f in ("fullchain.pem", "privkey.pem"))
        case("mismatched", cert, (other / "privkey.pem").read_bytes())
        case("garbage", os.urandom(2000), key)
        case("garbage-key", cert, os.urandom(2000))
        case("empty", b"", b"")
        case("cut", cert[:len(cert) // 2], key)
        case("flipped", cert[:100] + b"AAAA" + cert[104:], key)
        case("huge", cert * 3000, key)
        cases["nothing"] = folder / "nothing"
        cases["nothing"].mkdir()
        cases["absent"] = folder / "absent"
        cases["other-name"] = make_cert(folder / "other-name", "elsewhere.example", san="DNS:elsewhere.example")
        expired = folder / "expired"
        expired.mkdir()
        shutil.copy(good / "privkey.pem", expired)
        openssl("req", "-new", "-key", good / "privkey.pem", "-subj", "/CN=sotto.test", "-out", folder / "csr")
        (folder / "ext").write_text("subjectAltName=DNS:sotto.test\n")
        (folder / "ca.db").write_text("")
        (folder / "ca.cnf").write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/ca.db\nnew_certs_dir={folder}\n"
                                       "rand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\nCN=supplied\n")
        openssl("ca", "-batch", "-config", folder / "ca.cnf", "-selfsign", "-keyfile", good / "privkey.pem", "-in",
                folder / "csr", "-out", expired / "fullchain.pem", "-startdate", "20200101000000Z", "-enddate",
                "20200201000000Z", "-extfile", folder / "ext", "-notext")
        cases["expired"] = expired
        for name, path in cases.items():
            status, _, err = server.run("cert", "import", str(path))
            assert status != 0, f"{name} was taken"
            assert len(err.strip().splitlines()) <= 3 and len(err) > 20 and "Sanitizer" not in err, (name, err)
            print(f"  {name}: {err.strip()[:150]}")
            assert presented(server) == before, f"{name}: another certificate is in force"
        with sip.Link(server, "tls") as old:
            server.cli("cert", "import", str(good))
            waits.until("the new certificate", lambda: presented(server) != before)
            assert sip.options(old).status == 200
        # Damage to the files themselves, then a reload: the old one stays in force.
        now = presented(server)
        crt = server.data / "tls" / "server.crt"
        whole = crt.read_bytes()
        for bad in (b"", os.urandom(500), whole[:200], (other / "fullchain.pem").read_bytes()):
            crt.write_bytes(bad)
            mark = server.log.mark()
            server.run("cert", "reload")
            server.process.send_signal(signal.SIGHUP)
            server.log.wait_line(r"reload\w*( |$)", mark)
            assert presented(server) == now
        crt.write_bytes(whole)
        for role in server.show("roles"):
            assert role["restarts"] == 0, role
        run.stop(server)
    finally:
        if server.process.poll() is None:
            server.process.kill()


# --- the control socket ---

def control_socket(folder):
    server = run.open_server(folder)
    try:
        def ask(data, read=True):
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(server.data / "control.sock"))
                s.settimeout(waits.PATIENCE)
                try:
                    s.sendall(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass
                if not read:
                    return None
                got = b""
                while not got.endswith(b"\n"):
                    try:
                        more = s.recv(65536)
                    except ConnectionResetError:
                        break
                    if not more:
                        break
                    got += more
                return json.loads(got) if got else None
        for bad in (b"\n\nx\n", b"{}\n", b"[]\n", b"null\n", b"{\"cmd\":1}\n", b"{\"cmd\":\"no such\"}\n", b"\0\n",
                    b"{\"cmd\":\"show calls\",\"args\":[]}\n", b"{\"cmd\":\"show calls\",\"args\":{\"x\":1}}\n",
                    b"{\"cmd\":\"user add\",\"args\":{\"name\":7}}\n", b"{\"cmd\":\"user add\"}\n",
                    b"{\"cmd\":\"user add\",\"args\":{\"name\":\"\\u0000\"}}\n",
                    b"{\"cmd\":\"user add\",\"args\":{\"name\":\"" + b"a" * 5000 + b"\"}}\n",
                    b"{\"cmd\":\"user add\",\"args\":{\"name\":\"a\\r\\nb\"}}\n", b"\xff\xfe\n", b"[" * 100000 + b"\n",
                    b"{\"cmd\":\"show calls\",\"cmd\":\"user add\"}\n", b"{\"cmd\":\"log level\",\"args\":{\"level\":null}}\n",
                    b"x" * (1 << 20) + b"\n", b"{\"cmd\":\"" + b"x" * ((1 << 20) + 100) + b"\"}\n"):
            reply = ask(bad)
            assert reply and not reply["ok"] and reply["error"], (bad[:60], reply)
            assert reply["status"] in (1, 2), (bad[:60], reply)
        for _ in range(300):
            ask(secrets.token_bytes(3000), read=False)
        ask(b"{\"cmd\":\"show calls\",\"args\":{}}\n" * 5000, read=False)  # does not read its answers
        held = []
        for _ in range(400):
            s = socket.socket(socket.AF_UNIX)
            s.setblocking(False)
            try:
                s.connect(str(server.data / "control.sock"))
            except OSError:
                pass
            held.append(s)
        with sip.Link(server, "udp") as link:
            assert sip.options(link).status == 200
        for s in held:
            s.close()
        run.check_whole(server)
        run.stop(server)
    finally:
        if server.process.poll() is None:
            server.process.kill()


if __name__ == "__main__":
    run.main([every_key_with_bad_values, damaged_files, taken_ports, data_that_cannot_be_used,
              stores_that_are_damaged, a_full_disk, bad_certificates, control_socket], "openssl", "mount", opener=None)
