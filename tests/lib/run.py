"""The frame of a script of attacks: its network, its tests one by one, and what every test ends with:
the server is whole, and still serves."""
import os
import sys
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from interop.lib import space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.server import Server  # noqa: E402  pylint: disable=wrong-import-position
from lib import sip  # noqa: E402  pylint: disable=wrong-import-position

ALL = ("udp", "tcp", "tls")
SANITIZER = r"ERROR: \w+Sanitizer|runtime error:"


def open_server(folder, *, users=("1000", "1001"), listen=ALL, settings=""):
    """A server with users who may use every transport, running."""
    server = Server(folder, listen=listen, settings=settings)
    server.start()
    for user in users:
        server.add_user(user, transport="udp,tcp,tls")
    return server


def resident(pid):
    """Memory in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has gone")


def is_sanitized():
    return b"__asan_init" in Path(os.environ.get("SOTTO", "build/sotto")).read_bytes()


def check_whole(server, kinds=ALL):
    """No role has died, and a phone can do what a phone does."""
    for role in server.show("roles"):
        assert role["restarts"] == 0, f"role {role['role']} has died: {tail(server)}"
    for kind in kinds:
        with sip.Link(server, kind) as link:
            assert sip.options(link).status == 200
            answer = sip.register(link)
            assert answer.status == 200, answer
            assert sip.register(link, expires=0).status == 200


def tail(server, n=40):
    return "\n" + "\n".join(line[:300] for line in server.log.since()[-n:])


def stop(server):
    """Leaves cleanly: a sanitizer that found something (a leak is told at the end) says so."""
    status = server.stop()
    server.log.thread.join(waits.PATIENCE)
    text = server.log.text()
    at = [line for line in text.splitlines() if "Sanitizer" in line or "runtime error" in line]
    assert not at, "a sanitizer found something:\n" + text[text.find(at[0]):][:6000]
    assert status == 0, f"status {status}{tail(server)}"


def main(tests, *tools, opener=open_server):
    """tests: functions of (server, folder), each with a server of its own, made by its `opener`."""
    space.enter(*tools)
    failed = ran = 0
    for test in tests:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        ran += 1
        server = None
        try:
            folder = space.folder()
            server = getattr(test, "opener", opener)(folder) if opener else None
            if opener:
                test(server, folder)
                stop(server)
            else:
                test(folder)
            print(f"ok {test.__name__}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {test.__name__}", flush=True)
            traceback.print_exc(file=sys.stdout)
            if server:
                print(tail(server), flush=True)
        finally:
            if server and server.process.poll() is None:
                server.process.kill()
                server.process.wait()
    print(f"{ran - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
