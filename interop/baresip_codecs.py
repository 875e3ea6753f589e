#!/usr/bin/python3
"""baresips that share no codec with each other or with `sotto phone`: both hear the other's tone, what
each leg speaks is shown rightly. Two that share one are not converted."""
from lib import space, stage, waits
from lib.cases import Cases

space.enter("baresip")

CALLER_HZ, CALLEE_HZ = 440, 1000
cases = Cases(__file__, stage.opener({"1000": {}, "1001": {}}))


def shown(on, *codecs):
    waits.until(f"{codecs} in `sotto show calls`", lambda: tuple(
        leg["codec"] for leg in on.server.answered()["legs"]) == codecs)


def pair(on, caller, callee, *codecs):
    with on.baresip("1000", hz=CALLER_HZ, codecs=caller) as a, \
            on.baresip("1001", hz=CALLEE_HZ, codecs=callee) as b:
        a.call("1001")
        a.wait_tone(CALLEE_HZ)
        b.wait_tone(CALLER_HZ)
        shown(on, *codecs)
        a.hang_up()
        b.wait_closed()
        on.server.wait_no_call()


@cases.case("Opus to G.711", peer="baresip", keying="sdes: Opus to PCMA", transport="tls")
def opus_to_pcma(on):
    pair(on, ("opus",), ("PCMA",), "OPUS", "PCMA")


@cases.case("G.711 to G.722", peer="baresip", keying="sdes: PCMU to G.722", transport="tls")
def pcmu_to_g722(on):
    pair(on, ("PCMU",), ("G722",), "PCMU", "G722")


@cases.case("G.722 to Opus", peer="baresip", keying="sdes: G.722 to Opus", transport="tls")
def g722_to_opus(on):
    pair(on, ("G722",), ("opus",), "G722", "OPUS")


@cases.case("one codec in common, the last of both: nothing is converted", peer="baresip",
            keying="sdes: a shared codec wins", transport="tls")
def shared(on):
    pair(on, ("opus", "PCMU"), ("G722", "PCMU"), "PCMU", "PCMU")


@cases.case("Opus of baresip with G.711 of the headless phone", peer="baresip",
            keying="sdes: Opus with sotto phone", transport="tls")
def with_our_phone(on):
    with on.baresip("1001", hz=CALLEE_HZ, codecs=("opus",)) as b, \
            on.phone("1000", "--codecs", "PCMA", "--play", f"tone:{CALLER_HZ}", "--seconds", 4,
                     call="1001") as a:
        b.wait_tone(CALLER_HZ)
        status, end = a.finish(40)
        assert status == 0 and abs(end["audio"]["tone_hz"] - CALLEE_HZ) < 6, end
        on.server.wait_no_call()


@cases.case("echo and tone in Opus", peer="baresip", keying="sdes: Opus echo, tone", transport="tls")
def built_in(on):
    for target, hz in (("echo", CALLER_HZ), ("tone", 1004)):
        with on.baresip("1000", hz=CALLER_HZ, codecs=("opus",)) as a:
            a.call(target)
            a.wait_tone(hz)
            a.hang_up()
            on.server.wait_no_call()


cases.main()
