#!/usr/bin/python3
"""A baresip calls what is built in, and is refused, rejected, not answered; calls are cancelled."""
from lib import space, stage, tone, waits
from lib.cases import Cases

space.enter("baresip", "tcpdump")

RING_SECONDS = 5
BUILT_IN_TONE = 1004
cases = Cases(__file__, stage.opener({"1000": {}, "1001": {}, "1002": {}},
                                     settings=f"ring_timeout = {RING_SECONDS}s\n"))


def ended(on, caller, callee, records, status):
    """After a call that was not answered: nobody is left in it, the record says why."""
    caller.wait_closed()
    if callee:
        callee.wait_closed()
    on.server.wait_no_call()
    record = on.server.wait_cdr(records + 1)
    assert record["status"] == status, record
    assert record["answered"] is None and record["seconds"] == 0 and record["reason"], record
    return record


@cases.case("echo gives back what is said", peer="baresip", keying="sdes: echo", transport="tls")
def echo(on):
    with on.baresip("1000", hz=440) as a:
        a.call("echo")
        a.wait_tone(440)
        a.hang_up()
        a.wait_closed()
        on.server.wait_no_call()


@cases.case("tone is 1004 Hz", peer="baresip", keying="sdes: tone", transport="tls")
def built_in_tone(on):
    with on.baresip("1000", hz=440) as a:
        a.call("tone")
        a.wait_tone(BUILT_IN_TONE)
        a.hang_up()
        a.wait_closed()


@cases.case("clock is heard", peer="baresip", keying="sdes: clock", transport="tls")
def clock(on):
    with on.baresip("1000", hz=440) as a:
        a.call("clock")

        def loud():
            samples, rate = a.heard()
            return any(map(tone.is_loud, tone.blocks(samples, rate)))
        waits.until("a sound of the clock", loud)
        samples, rate = a.heard()
        assert tone.seconds_of(samples, rate, 440) == 0, "the clock echoes"
        a.hang_up()
        a.wait_closed()


@cases.case("the callee rejects: 486 reaches the caller")
def rejected(on):
    records = len(on.server.cdrs())
    with on.baresip("1000") as a, on.baresip("1001", answer="manual") as b:
        mark = a.dial("1001")
        b.wait("CALL_INCOMING")
        a.wait("CALL_RINGING", mark)
        b.hang_up()
        assert "486" in a.wait_closed(), a.events.since()
        ended(on, a, None, records, 486)


@cases.case("the caller cancels while it rings: 487, the callee stops ringing")
def cancelled(on):
    records = len(on.server.cdrs())
    with on.baresip("1000") as a, on.baresip("1001", answer="manual") as b:
        mark = a.dial("1001")
        b.wait("CALL_INCOMING")
        a.wait("CALL_RINGING", mark)
        call, = on.server.calls()
        assert call["state"] == "ringing", call
        a.hang_up()
        ended(on, a, b, records, 487)


@cases.case("nobody answers: the server gives up after ring_timeout and cancels")
def not_answered(on):
    records = len(on.server.cdrs())
    with on.baresip("1000") as a, on.baresip("1001", answer="manual") as b:
        a.dial("1001")
        b.wait("CALL_INCOMING")
        record = ended(on, a, b, records, 480)
        assert "answer" in record["reason"], record


@cases.case("a number that nobody has: 404")
def unknown(on):
    records = len(on.server.cdrs())
    with on.baresip("1000") as a:
        mark = a.dial("4711")
        assert "404" in a.wait_closed(mark), a.events.since()
        ended(on, a, None, records, 404)


@cases.case("a user whose phone is away: 480")
def away(on):
    records = len(on.server.cdrs())
    with on.baresip("1000") as a:
        mark = a.dial("1002")
        assert "480" in a.wait_closed(mark), a.events.since()
        ended(on, a, None, records, 480)


cases.main()
