#!/usr/bin/python3
"""No lost call: kill -9 of each role under a running call between two phones over TLS and SRTP.

Each time the role is back within half a second, the tone goes on in both directions, and the phones
notice nothing: same TLS connections, and afterwards hold, resume, re-INVITE and hang-up work from both
ends. Nothing that the server sends is protected twice under one (key, SSRC, index)."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

BACK_WITHIN_S = 0.5
GAP_MS = 500  # in a call whose role was killed; without a kill phones see about 25
CALLER_HZ, CALLEE_HZ = 440, 1000
cases = Cases(__file__, opener({"1000": {}, "1001": {}, "2000": {"keying": "dtls"},
                                "2001": {"keying": "dtls"}}))


def kill_under_call(on, roles, *, caller=(), callee=(), kills=1, users=("1000", "1001")):
    """Two phones talk; each role is killed; the caller hangs up after its --seconds."""
    took = []
    with on.capture("kill-" + "-".join(roles)) as wire, \
            on.phone(users[1], "--answer", "--play", f"tone:{CALLEE_HZ}", *callee) as b:
        b.wait("registered")
        connections = {c["remote"] for c in on.server.show("connections")}
        with on.phone(users[0], "--play", f"tone:{CALLER_HZ}", "--seconds", 8, *caller,
                      call=users[1]) as a:
            b.wait("answered")
            on.server.answered()
            for _ in range(kills):
                for role in roles:
                    on.server.media_goes_on()
                    took.append((role, on.server.kill_role(role)))
                    on.server.media_goes_on()
            assert connections <= {c["remote"] for c in on.server.show("connections")}
            status, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    for role, seconds in took:
        print(f"    {role} killed: ready again after {seconds * 1000:.0f} ms")
        assert seconds <= BACK_WITHIN_S, (role, seconds)
    assert status == 0 and said["result"] == "answered", said
    for end, hz in ((said, CALLEE_HZ), (heard, CALLER_HZ)):
        print(f"    {end['role']} heard {end['audio']['tone_hz']} Hz, longest gap "
              f"{end['audio']['max_gap_ms']} ms, {end['rx']['lost']} packets lost")
        assert abs(end["audio"]["tone_hz"] - hz) < 5, end
        assert end["audio"]["max_gap_ms"] < GAP_MS, end
        assert end["rx"]["auth_failures"] == 0 and end["rx"]["replayed"] == 0, end
    repeated = capture.repeats(wire.rtp())
    assert not repeated, repeated[:5]


@cases.case("media is killed twice", peer="sotto phone", keying="sdes", transport="tls")
def media(on):
    kill_under_call(on, ["media"], kills=2)


DTLS = ("--keying", "dtls")


@cases.case("media is killed twice in a DTLS call, which is then held and resumed",
            peer="sotto phone", keying="dtls", transport="tls")
def media_dtls(on):
    mark = on.server.log.mark()
    kill_under_call(on, ["media"], caller=(*DTLS, "--hold-after", 4), callee=DTLS, kills=2,
                    users=("2000", "2001"))
    keyed = [line for line in on.server.log.since(mark) if "media_keyed" in line and "leg=0" in line]
    assert len(keyed) == 2, "\n".join(keyed)  # RTP and RTCP once each: its certificate is the same


@cases.case("signal is killed twice", peer="sotto phone", keying="sdes", transport="tls")
def signal(on):
    kill_under_call(on, ["signal"], kills=2)


@cases.case("web is killed: nobody hears of it", peer="sotto phone", keying="sdes", transport="tls")
def web(on):
    kill_under_call(on, ["web"])


@cases.case("the supervisor is killed twice: nobody hears of it", peer="sotto phone", keying="sdes",
            transport="tls")
def supervisor(on):
    pids = on.server.roles()
    kill_under_call(on, ["supervisor"], kills=2)
    now = on.server.roles()
    assert {**now, "supervisor": 0} == {**pids, "supervisor": 0}, (pids, now)


@cases.case("the supervisor is killed, then the roles that it had not started itself")
def supervisor_then_roles(on):
    kill_under_call(on, ["supervisor", "signal", "media", "supervisor"], callee=("--hold-after", 4))


@cases.case("all of them; then the caller holds and resumes, and hangs up")
def all_then_caller_holds(on):
    kill_under_call(on, ["media", "signal", "web"], caller=("--hold-after", 4))


@cases.case("all of them; then the callee holds and resumes")
def all_then_callee_holds(on):
    kill_under_call(on, ["signal", "media"], callee=("--hold-after", 4))


@cases.case("the sequence wraps while media is away: the rollover counter is kept")
def across_the_wrap(on):
    kill_under_call(on, ["media"], caller=("--rtp-seq", 65400), kills=3)


@cases.case("signal is killed; then the callee hangs up")
def callee_hangs_up(on):
    with on.phone("1001", "--answer", "--play", f"tone:{CALLEE_HZ}", "--seconds", 5) as b:
        b.wait("registered")
        with on.phone("1000", "--play", f"tone:{CALLER_HZ}", "--seconds", 30, call="1001") as a:
            b.wait("answered")
            on.server.media_goes_on()
            assert on.server.kill_role("signal") <= BACK_WITHIN_S
            on.server.media_goes_on()
            status, said = a.finish()
        assert status == 0 and said["seconds"] < 20, said
        on.server.wait_no_call()
    cdr = on.server.cdrs()[-1]
    assert cdr["status"] == 200 and "callee" in cdr["reason"], cdr


if __name__ == "__main__":
    space.enter()
    cases.main()
