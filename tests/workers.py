#!/usr/bin/python3
"""Two media workers: new calls go to the one that has least to do, and kill -9 of one costs the calls of
the other nothing.

A worker's calls are known by their ports, of which each worker has half. The calls of a worker that is
killed go on as tests/kill.py has it; while it is away the other takes what is new; a signal role that
was killed finds each call's worker again."""
import http.client
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position
from tests.lib import sip  # noqa: E402  pylint: disable=wrong-import-position

BACK_WITHIN_S = 0.5
GAP_MS = 500  # in a call whose worker was killed; without a kill phones see about 25
DEATHS_MAX = 5  # of a role within 10 s; from then on it waits a second before it is started
CALLER_HZ, CALLEE_HZ = 440, 1000
FIRST, LAST = 20000, 29999
TOKEN = "0123456789abcdef"
DTLS = ("--keying", "dtls")
PAIRS = 4
USERS = {f"{n}": {} for n in range(1000, 1000 + 2 * PAIRS)} | {
    f"{n}": {"keying": "dtls"} for n in range(2000, 2004)}
cases = Cases(__file__, opener(USERS, workers=2, settings=f"[media]\nports = {FIRST}-{LAST}\n"
                                                        f"[web]\nmetrics_token = {TOKEN}\n"))


def worker_of(call):
    """By the ports of its legs, of which there are two for an answered call."""
    found = {(int(leg["media"]["local"].rsplit(":", 1)[1]) - FIRST) * 2 // (LAST + 1 - FIRST)
             for leg in call["legs"]}
    assert len(found) == 1, call
    return found.pop()


class Talks:
    """Calls of pairs of users, 1000 calls 1001 and so on; a context manager."""

    def __init__(self, on, seconds, base=1000, options=()):
        self.on, self.seconds, self.base, self.options = on, seconds, base, options
        self.stack = ExitStack()
        self.ends = {}  # caller's name: (caller's phone, callee's phone)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    def of(self, name):
        """The answered call of this caller, or None."""
        return next((c for c in self.on.server.calls() if c["state"] == "answered" and
                     len(c["legs"]) == 2 and c["legs"][0]["user"].startswith(name + "@")), None)

    def begin(self, pair, *more, seconds=None):
        """The call, once it is answered."""
        name, other = str(self.base + 2 * pair), str(self.base + 2 * pair + 1)
        b = self.stack.enter_context(self.on.phone(other, "--answer", "--play",
                                                   f"tone:{CALLEE_HZ}", *self.options))
        b.wait("registered")
        a = self.stack.enter_context(self.on.phone(
            name, "--play", f"tone:{CALLER_HZ}", "--seconds", seconds or self.seconds,
            *self.options, *more, call=other))
        self.ends[name] = (a, b)
        return waits.until(f"{name}'s call", lambda: self.of(name))

    def go_on(self, packets=25):
        """Waits until each leg of each call has received that many more."""
        def counts():
            return {n: [leg["rx"]["packets"] for leg in self.of(n)["legs"]] for n in self.ends}
        before = counts()

        def all_have_more():
            now = counts()
            return all(n >= b + packets for name, was in before.items()
                       for n, b in zip(now[name], was))
        waits.until("media in all calls", all_have_more)

    def hang_up(self):
        for a, b in self.ends.values():
            a.stop()
            b.wait("ended")
        self.on.server.wait_no_call()

    def finish(self, workers):
        """What both ends of each call have heard: (worker, end), by `workers` {name: worker}."""
        ends = []
        for name, (a, b) in self.ends.items():
            status, said = a.finish()
            assert status == 0 and said["result"] == "answered", said
            heard = b.wait("ended")
            b.stop()
            for end, hz in ((said, CALLEE_HZ), (heard, CALLER_HZ)):
                print(f"    {name} (worker {workers[name]}): {end['role']} heard "
                      f"{end['audio']['tone_hz']} Hz, longest gap {end['audio']['max_gap_ms']} ms, "
                      f"{end['rx']['lost']} packets lost")
                assert abs(end["audio"]["tone_hz"] - hz) < 5, end
                assert end["rx"]["auth_failures"] == 0 and end["rx"]["replayed"] == 0, end
                ends.append((workers[name], end))
        self.on.server.wait_no_call()
        return ends


def kill_one(on, name, pairs=PAIRS, kills=1, **how):
    """Calls with both workers; one of those is killed."""
    with Talks(on, 8, **how) as talks, on.capture(f"workers-{name}") as wire:
        workers = {}
        for pair in range(pairs):
            call = talks.begin(pair)
            workers[call["legs"][0]["user"].split("@")[0]] = worker_of(call)
        assert sorted(workers.values()) == sorted(pair % 2 for pair in range(pairs)), workers
        for _ in range(kills):
            talks.go_on()
            pids = on.server.roles()
            took = on.server.kill_role("media.0")
            print(f"    media.0 killed: ready again after {took * 1000:.0f} ms")
            assert took <= BACK_WITHIN_S, took
            talks.go_on()
            now = on.server.roles()
            assert {r for r in pids if pids[r] != now[r]} == {"media.0"}, (pids, now)
        ends = talks.finish(workers)
    for worker, end in ends:
        assert end["audio"]["max_gap_ms"] < GAP_MS, end
        assert worker == 0 or end["rx"]["lost"] == 0, end
    repeated = capture.repeats(wire.rtp())
    assert not repeated, repeated[:5]


@cases.case("one worker is killed: its calls go on, those of the other lose nothing",
            peer="sotto phone", keying="sdes: kill -9 of one of two media workers", transport="tls")
def killed(on):
    kill_one(on, "sdes")


@cases.case("the same with DTLS-SRTP, twice")
def killed_dtls(on):
    kill_one(on, "dtls", pairs=2, kills=2, base=2000, options=DTLS)


@cases.case("signal is killed: calls find their workers again, can be held, and count")
def signal_killed(on):
    with Talks(on, 10) as talks:
        calls = [talks.begin(pair, "--hold-after", 4) for pair in range(3)]
        before = {c["id"]: worker_of(c) for c in calls}
        assert list(before.values()) == [0, 1, 0], before
        talks.go_on()
        assert on.server.kill_role("signal") <= BACK_WITHIN_S
        talks.go_on()
        assert {c["id"]: worker_of(c) for c in on.server.calls()} == before
        assert worker_of(talks.begin(3, seconds=6)) == 1
        for role in ("media.0", "media.1"):
            on.server.kill_role(role)
        talks.go_on()
        talks.finish({"1000": 0, "1002": 1, "1004": 0, "1006": 1})


@cases.case("while one worker is away new calls go to the other, and to it again when it is back")
def new_calls_meanwhile(on):
    with Talks(on, 20) as talks:
        workers = [worker_of(talks.begin(0)), worker_of(talks.begin(1))]
        assert workers == [0, 1], workers
        for _ in range(DEATHS_MAX - 1):
            on.server.kill_role("media.0")
        with on.phone("1005", "--answer") as b:
            b.wait("registered")
            mark = on.server.log.mark()
            on.server.signal_role("media.0")
            with on.phone("1004", "--seconds", 1, call="1005") as a:
                meanwhile = waits.until("a new call", lambda: talks.of("1004"))
                back = [s for s in on.server.log.since(mark) if "role_ready" in s]
                assert worker_of(meanwhile) == 1 and not back, (meanwhile, back)
                assert a.finish()[0] == 0
            b.stop()
        on.server.log.wait_line(r"role_ready.*role=media\.0\b", mark)
        talks.go_on()
        again = talks.begin(3)  # one call each: a draw
        assert worker_of(again) == 0, again
        talks.hang_up()


def metrics_of(server):
    host, port = server.web.split(":")
    c = http.client.HTTPSConnection(host, int(port), timeout=waits.PATIENCE,
                                    context=sip.tls_context())
    c.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    r = c.getresponse()
    assert r.status == 200, r.status
    return r.read().decode()


@cases.case("`show roles` and /metrics tell the workers apart, and a reload reaches both")
def shown(on):
    media = [r for r in on.server.show("roles") if r["role"] == "media"]
    assert [r["worker"] for r in media] == [0, 1], media
    assert {r["pid"] for r in media} == {on.server.roles()[f"media.{n}"] for n in (0, 1)}, media
    assert all(r["ready"] and r["path"] in ("shared", "streams") for r in media), media
    metrics = metrics_of(on.server)
    for number in (0, 1):
        assert f'sotto_role_restarts_total{{role="media",worker="{number}"}}' in metrics, metrics
    for number in (0, 1):
        pid = media[number]["pid"]
        assert f"media\0{number}\0" in Path(f"/proc/{pid}/cmdline").read_text(encoding="ascii")
    on.server.cli("reload")
    assert on.server.show("roles") and not [s for s in on.server.log.since() if "reload_failed" in s]


if __name__ == "__main__":
    space.enter()
    cases.main()
