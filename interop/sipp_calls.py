#!/usr/bin/python3
"""SIPp as caller and as callee over UDP and TCP, in clear where the users' policy says so: each scenario of
the caller with the callee's that belongs to it."""
from lib import capture, space, stage, waits
from lib.cases import Cases

space.enter("sipp", "tcpdump")

CLEAR = {"protection": "off", "transport": "udp,tcp,tls"}


SCENARIOS = (
    ("call", "uac_call", "uas_answer", 200, "the caller hangs up"),
    ("callee_ends", "uac_hear", "uas_hangup", 200, "the callee hangs up"),
    ("hold", "uac_hold", "uas_hold", 200, "hold and resume by re-INVITE"),
    ("late", "uac_late", "uas_answer", 200, "an INVITE without an offer"),
    ("busy", "uac_486", "uas_busy", 486, "the callee is busy"),
    ("cancel", "uac_cancel", "uas_ring", 487, "the caller cancels"),
    ("no_answer", "uac_480", "uas_ring", 480, "nobody answers"),
)
WAYS = [(way, scenario) for way in ("udp", "tcp") for scenario in SCENARIOS]
CALLEES = [str(3100 + i) for i in range(len(WAYS))]  # each case its own: no contact is left over
cases = Cases(__file__, stage.opener(dict.fromkeys(["3000", "3002", *CALLEES], CLEAR),
                                     listen=("tls", "tcp", "udp"), settings="ring_timeout = 5s\n"))


def register(on, user, transport, port):
    with on.sipp("register", user=user, transport=transport, port=port) as phone:
        phone.finish()
    found = [r for r in on.server.show("registrations") if r["user"].startswith(user + "@")]
    assert any(f":{port}" in r["contact"] for r in found), found


def run(on, uac, uas, transport, status, callee_name):
    """A call between two scenarios, and what its record says."""
    records = len(on.server.cdrs())
    port = 17000 + int(callee_name)
    register(on, callee_name, transport, port)
    with on.sipp(uas, user=callee_name, transport=transport, port=port) as callee:
        with on.sipp(uac, user="3000", target=callee_name, transport=transport) as caller:
            caller.finish()
            callee.finish()
    on.server.wait_no_call()
    record = on.server.wait_cdr(records + 1)
    assert record["status"] == status, record
    for leg in record["legs"]:
        assert leg["signalling"]["transport"] == transport, record


def add(callee_name, transport, name, uac, uas, status, does):
    def case(on):
        run(on, uac, uas, transport, status, callee_name)
    case.__name__ = f"{name}_{transport}"
    cases.case(f"{does}, over {transport}", peer="SIPp", keying=f"none: {name}",
               transport=transport)(case)


for user, (way, chosen) in zip(CALLEES, WAYS):
    add(user, way, *chosen)


@cases.case("echo gives back each packet, clear as it came", peer="SIPp", keying="none: echo",
            transport="udp")
def echo(on):
    with on.capture("echo") as wire:
        with on.sipp("uac_media", user="3000", target="echo") as caller:
            caller.finish()
    media = [p for p in wire.rtp() if caller.media in (p.sport, p.dport)]
    sent = {p.payload for p in media if p.sport == caller.media}
    back = [p for p in media if p.dport == caller.media]
    assert len(back) >= capture.FLOW_MIN, f"{len(back)} packets came back"
    assert sent & {p.payload for p in back}, "what came back is not what was sent"


@cases.case("a wrong password is refused, and said to be so in the log")
def wrong_password(on):
    mark = on.server.log.mark()
    with on.sipp("register", user="3002", password="not this one") as phone:
        assert phone.process.wait(waits.PATIENCE) != 0, "it registered"
    on.server.log.wait_line(r"peer=10\.99\.0\.1", mark)
    assert not [r for r in on.server.show("registrations") if r["user"].startswith("3002@")]


cases.main()
