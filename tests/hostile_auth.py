#!/usr/bin/python3
"""Who one is, attacked: what a stranger learns from refusals, replayed and forged proofs, other people's
names, and what all of that looks like in the log."""
import random
import re
import secrets
import statistics
import time

from lib import run, sip

URI = f"sip:{sip.DOMAIN}"
SAMPLES = 200
ROUNDS = 3


def prove(link, challenge, *, user="1000", password=sip.PASSWORD, method="REGISTER", cseq=2, call_id=None,
          uri=URI, headers=(), nc=1, to=None, from_=None, request_uri=None, **wrong):
    """A request with credentials; the answer."""
    line = sip.credentials(challenge, method, uri, user, password, nc=nc, proxy=method != "REGISTER", **wrong)
    call_id = call_id or secrets.token_hex(8)
    link.send(sip.request(link, method, request_uri or uri, user=user, to=to or f"<sip:{user}@{sip.DOMAIN}>",
                          from_=from_, call_id=call_id, cseq=cseq, headers=(*headers, line)))
    return link.answer_to(call_id, cseq)


def challenge(link, method="REGISTER", user="1000"):
    call_id = secrets.token_hex(8)
    link.send(sip.request(link, method, URI, user=user, to=f"<sip:{user}@{sip.DOMAIN}>", call_id=call_id))
    answer = link.answer_to(call_id, 1)
    assert answer.status == (401 if method == "REGISTER" else 407), answer
    if method != "REGISTER":
        link.send(sip.request(link, "ACK", URI, user=user, to_tag=answer.tag("To"), call_id=call_id))
    return sip.challenge_of(answer)


def bare(message):
    """What is left of an answer without that which is new in every one."""
    text = message.raw.decode()
    for pattern in (r'nonce="[^"]*"', r"branch=[^;\r]+", r"tag=[^;\r]+", r"Call-ID:[^\r]*", r"sip:[^@>]+@",
                    r"rport=\d+", r":\d+;"):
        text = re.sub(pattern, "*", text)
    return text


def unknown_users_look_like_wrong_passwords(server, _):
    for kind in run.ALL:
        with sip.Link(server, kind) as link:
            answers = {}
            for user in ("1000", "9999", "admin", "a" * 64, "%00", "1000%20"):
                ch = challenge(link, user=user)
                answers[user] = bare(prove(link, ch, user=user, password="wrong-password"))
            assert len(set(answers.values())) == 1, answers
            for method in ("INVITE",):
                got = set()
                for user in ("1000", "9999"):
                    ch = challenge(link, method, user)
                    got.add(bare(prove(link, ch, user=user, password="wrong", method=method)))
                assert len(got) == 1, got
    run.check_whole(server)


def times_of_refusals(server, method):
    """Medians of both users in us, and how far the quartiles lie apart. By lot, whose turn it is: what the machine
    or the server does at every second or fourth request must not hit one of them alone."""
    times = {"1000": [], "9999": []}
    with sip.Link(server, "tcp") as link:
        ch = challenge(link)
        for _ in range(SAMPLES):
            for user in random.sample(sorted(times), 2):
                line = sip.credentials(ch, method, URI, user, "wrong-password", proxy=method != "REGISTER")
                call_id = secrets.token_hex(8)
                raw = sip.request(link, method, URI, user=user, to=f"<sip:{user}@{sip.DOMAIN}>",
                                  call_id=call_id, headers=(line,))
                start = time.perf_counter()
                link.send(raw)
                link.answer_to(call_id, 1)
                times[user].append(time.perf_counter() - start)
    known, unknown = (statistics.median(t) * 1e6 for t in times.values())
    spread = statistics.quantiles(times["1000"], n=4)
    return known, unknown, (spread[2] - spread[0]) * 1e6


def refusals_take_the_same_time(server, _):
    """What a refusal tells by its time it tells every time: once alike is enough."""
    for method in ("REGISTER", "INVITE"):
        for _ in range(ROUNDS):
            known, unknown, noise = times_of_refusals(server, method)
            print(f"  {method}: known {known:.1f} us, unknown {unknown:.1f} us, quartiles {noise:.1f} us apart")
            # Medians of so many samples lie ten times closer together than the quartiles, if nothing tells.
            alike = abs(known - unknown) < max(noise / 2, 1)
            if alike:
                break
        assert alike, (known, unknown, noise)


def a_proof_is_good_once(server, _):
    for kind in run.ALL:
        with sip.Link(server, kind) as link, sip.Link(server, kind) as thief:
            ch = challenge(link)
            assert prove(link, ch).status == 200
            assert prove(link, ch, nc=2, cseq=3).status == 200
            # The very same request, with its nc, over another connection; then nc again.
            call_id = secrets.token_hex(8)
            line = sip.credentials(ch, "REGISTER", URI, "1000", nc=3)
            how = {"to": f"<sip:1000@{sip.DOMAIN}>", "call_id": call_id, "headers": (line,)}
            link.send(sip.request(link, "REGISTER", URI, cseq=4, **how))
            assert link.answer_to(call_id, 4).status == 200
            thief.send(sip.request(thief, "REGISTER", URI, cseq=5, contact="<sip:1000@198.51.100.66>", **how))
            stolen = thief.answer_to(call_id, 5)
            assert stolen.status == 401 and "stale=true" in stolen.get("WWW-Authenticate"), stolen
            assert "198.51.100.66" not in server.cli("show", "registrations", "--json")
    run.check_whole(server)


def what_is_wrong_is_refused(server, _):
    for kind in run.ALL:
        with sip.Link(server, kind) as link:
            for wrong, due in (
                    ({"nonce": secrets.token_hex(28)}, (401,)), ({"nonce": ""}, (401, 400)),
                    ({"nonce": "A" * 5000}, (401, 400)), ({"realm": "example.com"}, (401,)),
                    ({"realm": ""}, (401, 400)), ({"response": "0" * 64}, (401,)),
                    ({"response": ""}, (401, 400)), ({"response": "0" * 63}, (401, 400)),
                    ({"username": "1001"}, (401,)), ({"username": ""}, (401, 400)),
                    ({"cnonce": ""}, (401, 400))):
                answer = prove(link, challenge(link), **wrong)
                assert answer.status in due, (kind, wrong, answer)
            ch = challenge(link)
            forged = prove(link, {**ch, "nonce": secrets.token_hex(28)})  # right password, our own nonce
            assert forged.status == 401 and "stale=true" in forged.get("WWW-Authenticate"), forged
            other = ch["nonce"][:8] + ("0" if ch["nonce"][8] != "0" else "1") + ch["nonce"][9:]
            assert prove(link, {**ch, "nonce": other}).status == 401
            old = f"{int(time.time()) - 3600:08x}" + ch["nonce"][8:]
            assert prove(link, {**ch, "nonce": old}).status == 401
            # A proof for one method is none for another.
            line = sip.credentials(ch, "REGISTER", URI, "1000", proxy=True)
            link.send(sip.request(link, "INVITE", f"sip:1001@{sip.DOMAIN}", call_id="m", headers=(line,)))
            assert link.answer_to("m", 1).status == 407
    run.check_whole(server)


def nobody_speaks_for_another(server, _):
    other = f"<sip:1001@{sip.DOMAIN}>"
    for kind in run.ALL:
        with sip.Link(server, kind) as link:
            assert prove(link, challenge(link), to=other).status == 403
            ch = challenge(link, "INVITE")
            answer = prove(link, ch, method="INVITE", from_=other, to=f"<{URI}>", uri=f"sip:1001@{sip.DOMAIN}")
            assert answer.status == 403, answer
            for from_ in (f'"1000" <sip:1001@{sip.DOMAIN}>', f"<sip:1000@{sip.DOMAIN}.example>",
                          f"<sip:1000%00@{sip.DOMAIN}>", f"<sip:1000@{sip.DOMAIN}@example.com>",
                          "<sip:1000@example.com>", "<tel:1001>"):
                answer = prove(link, challenge(link, "INVITE"), method="INVITE", from_=from_, to=f"<{URI}>",
                               uri=f"sip:1001@{sip.DOMAIN}")
                assert answer.status in (400, 403, 407), (from_, answer)
                assert answer.status != 407 or "tel:" in from_, (from_, answer)
    assert not server.show("registrations"), server.show("registrations")
    run.check_whole(server)


def old_requests_change_nothing(server, _):
    with sip.Link(server, "tls") as link:
        ch = challenge(link)
        assert prove(link, ch, cseq=7, call_id="reg").status == 200
        assert prove(link, ch, cseq=6, call_id="reg", nc=2, headers=("Expires: 0",)).status == 500
        assert len(server.show("registrations")) == 1


# --- the log ---

NASTY = [b"\r\n2026-01-01T00:00:00.000Z info signal FORGED=1", b"\nFORGED=1", b"\rFORGED=1",
         b"\x1b[2J\x1b]0;FORGED\x07", b"\x00FORGED", b"\xe2\x80\xa8FORGED\xc2\x85", b'" peer=192.0.2.99:1 x="',
         b"\\\" peer=192.0.2.99:1 \\", b"%n%s%0a", b"=peer=192.0.2.99"]
PLAIN = re.compile(r"[\x20-\x7e]*")


def throw(server, kind, raw):
    with sip.Link(server, kind) as link:
        link.send(raw)


def values_never_make_a_log_line(server, _):
    server.cli("log", "level", "debug")
    mark = server.log.mark()
    for kind in run.ALL:
        for nasty in NASTY:
            with sip.Link(server, kind) as link:
                ch = challenge(link)
                raw = sip.request(link, "REGISTER", URI, to=f"<sip:1000@{sip.DOMAIN}>", call_id="n", headers=(
                    sip.credentials(ch, "REGISTER", URI, "NASTY", "wrong"), "User-Agent: NASTY", "X: NASTY"))
                throw(server, kind, raw.replace(b"NASTY", nasty))
                for target in (b"Contact: <sip:", b"Call-ID: ", b"From: ", b"Via: ", b"REGISTER "):
                    throw(server, kind, raw.replace(b"NASTY", b"n").replace(target, target + nasty, 1))
                line = sip.credentials(ch, "REGISTER", URI, "1000")
                good = sip.request(link, "REGISTER", URI, to=f"<sip:1000@{sip.DOMAIN}>", headers=(
                    line, "User-Agent: NASTY"), contact="<sip:NASTY@192.0.2.1>")
                throw(server, kind, good.replace(b"NASTY", nasty))
    check = [sip.Link(server, kind) for kind in run.ALL]
    for link in check:
        assert sip.options(link).status == 200
        link.close()
    for line in server.log.since(mark):
        assert PLAIN.fullmatch(line), f"a control character in the log: {line!r}"
        assert not line.lstrip().startswith(("FORGED", "peer=192.0.2.99", "2026-01-01")), line
        assert re.match(r"sotto: |\d{4}-\d\d-\d\dT[\d:.]+Z (error|warn|info|debug) \w+ \w+( |$)", line), line
        assert not re.search(r'(^| )peer=192\.0\.2\.99', re.sub(r'"(\\.|[^"\\])*"', '""', line)), line
    run.check_whole(server)


def failures_name_the_sockets_address(server, _):
    """Never the one of a header; and no length of any value can push it out of the line."""
    for kind in run.ALL:
        with sip.Link(server, kind, source="10.99.0.2") as link:
            ch = challenge(link)
            for size in (4, 60, 800, 900, 1000, 1023, 1024, 3800, 3900, 4000, 9000):
                mark = server.log.mark()
                answer = prove(link, ch, user="x" * size, password="wrong", to=f"<sip:1000@{sip.DOMAIN}>",
                      headers=("X-Forwarded-For: 192.0.2.99",), from_="<sip:192.0.2.99@192.0.2.99>")
                if answer.status == 400:  # longer than any name: not worth a guess
                    assert size > 1000, size
                    continue
                _, m = server.log.wait_line(r"auth_failed .*", mark)
                assert f" peer={link.local}" in m[0], (size, m[0])
                assert "192.0.2.99" not in m[0], m[0]


if __name__ == "__main__":
    run.main([unknown_users_look_like_wrong_passwords, refusals_take_the_same_time, a_proof_is_good_once,
              what_is_wrong_is_refused, nobody_speaks_for_another, old_requests_change_nothing,
              values_never_make_a_log_line, failures_name_the_sockets_address])
