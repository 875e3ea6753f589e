#!/usr/bin/python3
"""kill -9 of the server's roles while a call is up: the role is back within half a second, the tones go
on in both directions, no call is lost, either end can hold, resume and hang up afterwards, and no
keystream is used twice."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
from lib import capture, space, srtp, stage, tone, waits  # noqa: E402
from lib.cases import Cases  # noqa: E402

space.enter("baresip", "tcpdump")

CALLER_HZ, CALLEE_HZ = 440, 1000
BACK_WITHIN = 0.5  # seconds from kill -9 to ready
GAP_MS = 500  # of silence, also on a machine that is busy
ROLLED_OVER = 120  # packets after which --rtp-seq 65450 has passed 65535
cases = Cases(__file__, stage.opener({"1000": {}, "1001": {}}))


def kill(on, role):
    """kill -9, and what must be true right after it."""
    before = {r["role"]: r["restarts"] for r in on.server.show("roles")}
    seconds = on.server.kill_role(role)
    assert seconds <= BACK_WITHIN, f"{role} was away for {seconds:.3f} s"

    def shown():
        status, out, _ = on.server.run("show", "roles", "--json")
        roles = {r["role"]: r for r in on.server.show("roles")} if status == 0 else {}
        return roles.get(role, {}).get("ready") and roles
    now = waits.until(f"{role} in `sotto show roles`", shown)
    for name, restarts in before.items():
        assert now[name]["restarts"] == restarts + (name == role), f"{name} restarted: {now}"
    print(f"   {role} is back after {seconds * 1000:.0f} ms")


def check_wire(wire, phones):
    """Nothing that the server sent repeats an index; each of it is authentic."""
    wire.check_whole()
    ports = {p for phone in phones for p in phone.rtp_ports}
    sent = [p for p in wire.rtp() if p.sport not in ports]
    assert not capture.repeats(sent), f"used twice: {capture.repeats(sent)[:5]}"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)


def check_tone(phone, packets, hz, start, end):
    """The tone that the server sent to a phone between two times: authentic, without a long gap."""
    sent = [p for p in phone.sent_to(packets) if start <= p.time <= end]
    gap = capture.max_gap_ms(sent, start, end)
    opened, shut = srtp.open_all(sent, srtp.keys_in(phone.log.text()))
    assert not shut, f"{shut} of {len(sent)} packets to {phone.user} are not authentic"
    samples = srtp.speech(opened)
    told = tone.describe(samples, 8000, hz)
    print(f"   to {phone.user}: longest gap {gap} ms; {told}")
    assert gap <= GAP_MS, f"{gap} ms of silence towards {phone.user}"
    assert tone.seconds_of(samples, 8000, hz) >= 0.7 * (end - start), told


def wait_media(wire, phones, after, packets=50):
    waits.until("media towards both phones", lambda: all(
        sum(p.time > after for p in phone.sent_to(wire.rtp())) >= packets for phone in phones))


def hold_and_resume(wire, holder, held):
    log = held.log.mark()
    holder.command("hold")
    held.log.wait_line("^a=sendonly", log)
    log = held.log.mark()
    holder.command("resume")
    held.log.wait_line("^a=sendrecv", log)
    wait_media(wire, (holder, held), time.time())


def survive(on, roles, ender_is_caller):
    name = "-".join(roles)
    with on.capture(f"kill-{name}-{ender_is_caller}") as wire:
        a, b = on.baresip("1000", hz=CALLER_HZ), on.baresip("1001", hz=CALLEE_HZ)
        with a, b:
            a.call("1001")
            a.wait_tone(CALLEE_HZ)
            b.wait_tone(CALLER_HZ)
            call = on.server.answered()["id"]
            start = time.time()
            for role in roles:
                kill(on, role)
            heard = a.sizes(), b.sizes()
            a.wait_tone(CALLEE_HZ, 2, since=heard[0])
            b.wait_tone(CALLER_HZ, 2, since=heard[1])
            end = time.time()
            again = on.server.answered()
            assert again["id"] == call, again
            assert {leg["media"]["keying"] for leg in again["legs"]} == {"sdes"}, again
            ender, other = (a, b) if ender_is_caller else (b, a)
            hold_and_resume(wire, ender, other)
            hold_and_resume(wire, other, ender)
            ender.hang_up()
            other.wait_closed()
            on.server.wait_no_call()
            records = on.server.cdrs()
            assert [r["status"] for r in records if r["id"] == call] == [200], records
            # Both are still registered, and the ports were given back.
            b.call("1000")
            waits.until("the next call", on.server.calls)
            wait_media(wire, (a, b), time.time())
            a.hang_up()
            b.wait_closed()
            on.server.wait_no_call()
    check_wire(wire, (a, b))
    packets = wire.rtp()
    check_tone(a, packets, CALLEE_HZ, start, end)
    check_tone(b, packets, CALLER_HZ, start, end)


def add_survival(roles, ender_is_caller):
    def case(on):
        survive(on, roles, ender_is_caller)
    ender = "caller" if ender_is_caller else "callee"
    case.__name__ = "_".join([*roles, ender])
    cases.case(f"kill -9 of {', '.join(roles)}; the {ender} holds, is held, hangs up",
               peer="baresip", keying=f"sdes: kill -9 of {', '.join(roles)}",
               transport="tls")(case)


@cases.case("the check of the wire finds an index that is used twice, also after a rollover")
def check_is_sharp(_):
    def packets(*texts):
        return [capture.Rtp(0.0, "a", 1, "b", 2, 0, seq, 7, b"", data) for seq, data in texts]
    good = packets((65534, b"w"), (65535, b"x"), (0, b"y"), (65535, b"x"), (1, b"z"), (65534, b"w"))
    assert not capture.repeats(good)
    assert len(capture.repeats(good + packets((65535, b"other")))) == 1
    assert len(capture.repeats(good + packets((0, b"other")))) == 1


add_survival(["media"], True)
add_survival(["media"], False)
add_survival(["signal"], True)
add_survival(["signal"], False)
add_survival(["web"], True)
add_survival(["media", "signal", "web", "media", "signal"], False)


# --- the same with the project's own phones, which measure what they hear ---

def check_report(report, hz):
    audio = report["audio"]
    print(f"   {report['user']}: {audio}")
    assert report["result"] == "answered" and report["media"]["keying"] == "sdes", report
    assert report["rx"]["auth_failures"] == 0 and report["rx"]["replayed"] == 0, report
    assert abs(audio["tone_hz"] - hz) < 5, audio


def phones(on, *, during, seconds, caller=(), callee=(), gap_ms=GAP_MS):
    """A call between two phones; `during` is run once it is up."""
    with on.phone("1001", "--answer", "--play", f"tone:{CALLEE_HZ}", *callee) as b:
        b.wait("registered")
        with on.phone("1000", "--play", f"tone:{CALLER_HZ}", "--seconds", seconds, *caller,
                      call="1001") as a:
            b.wait("answered")
            during()
            _, heard = a.finish(seconds + waits.PATIENCE)
            b.wait("ended")
        _, heard_by_callee = b.stop()
    check_report(heard, CALLEE_HZ)
    check_report(heard_by_callee, CALLER_HZ)
    for report in (heard, heard_by_callee):
        assert report["audio"]["max_gap_ms"] <= gap_ms, report["audio"]
    on.server.wait_no_call()


def packets_seen(on, count):
    def probe():
        return min(leg["rx"]["packets"] for leg in on.server.answered()["legs"]) >= count
    waits.until(f"{count} packets from each phone", probe)


@cases.case("two phones of our own: every role is killed, one after the other", peer="sotto phone",
            keying="sdes: kill -9 of every role", transport="tls")
def own_phones(on):
    def during():
        packets_seen(on, 25)
        for role in ("media", "signal", "web", "media"):
            kill(on, role)
    phones(on, during=during, seconds=4)


@cases.case("media is killed after a rollover of the sequence number: its count is kept",
            peer="sotto phone", keying="sdes: rollover, kill -9", transport="tls")
def rollover(on):
    def during():
        packets_seen(on, ROLLED_OVER)
        kill(on, "media")
    with on.capture("rollover") as wire:
        phones(on, during=during, seconds=5, caller=("--rtp-seq", 65450),
               callee=("--rtp-seq", 65450))
    wire.check_whole()
    assert not capture.repeats(wire.rtp()), capture.repeats(wire.rtp())[:5]


@cases.case("both roles are killed, then the caller holds and resumes", peer="sotto phone",
            keying="sdes: kill -9, hold", transport="tls")
def hold_after(on):
    def during():
        packets_seen(on, 10)
        kill(on, "media")
        kill(on, "signal")
    phones(on, during=during, seconds=6, caller=("--hold-after", 2), gap_ms=2000 + 2 * GAP_MS)


cases.main()
