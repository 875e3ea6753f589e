#!/usr/bin/python3
"""Bad SIP against a running server, over UDP, TCP and TLS: the torture messages of RFC 4475 and 5118 with
the answer that each is due, truncations, flipped bits, random mutations, lies about lengths.

SOTTO_MUTATIONS (20000) is how many mutated messages each transport gets."""
import os
import random
import re
import secrets
from pathlib import Path

from lib import run, sip
from lib.run import waits

CORPUS = Path("tests/corpus/sip-msg")
MUTATIONS = int(os.environ.get("SOTTO_MUTATIONS", "20000"))
GROUP = 50  # mutated messages between two questions whether the server is there
LEAK_KIB = 3000  # of growth of the signal role from the second half of the mutations

# Statuses that the message gets, in order; on a stream where that differs. The server's only domains are
# sotto.test and example.com. CLOSED: lengths that cannot be told apart end a connection.
CLOSED, WAITS = "closed", "waits"
DUE = {
    "4475-badaspec": [200], "4475-badbranch": [200], "4475-baddate": [403], "4475-baddn": [200],
    "4475-badinv01": [],  # no Via that could be read: no way back
    "4475-badvers": [505], "4475-bcast": [], "4475-bext01": [420], "4475-bigcode": [],
    "4475-clerr": ([400], WAITS), "4475-cparam01": [401], "4475-cparam02": [401],
    "4475-dblreq": ([401], [401, 403]), "4475-esc01": [403], "4475-esc02": [501], "4475-escnull": [401],
    "4475-escruri": [400], "4475-insuf": [], "4475-intmeth": [501], "4475-inv2543": [403],
    "4475-invut": [403], "4475-longreq": [403], "4475-ltgtruri": [400], "4475-lwsdisp": [200],
    "4475-lwsruri": [400], "4475-lwsstart": [400], "4475-mcl01": ([400], CLOSED),
    "4475-mismatch01": [400], "4475-mismatch02": [400], "4475-mpart01": [405], "4475-multi01": [400],
    "4475-ncl": ([400], CLOSED), "4475-noreason": [], "4475-novelsc": [416], "4475-quotbal": [400],
    "4475-regaut01": [401], "4475-regbadct": [401], "4475-regescrt": [401], "4475-scalar02": [400],
    "4475-scalarlg": [], "4475-sdp01": [403], "4475-semiuri": [200], "4475-transports": [200],
    "4475-trws": [400], "4475-unkscm": [416], "4475-unksm2": [404], "4475-unreason": [],
    "4475-wsinv": [481], "4475-zeromf": [483],
    "5118-ipv4-mapped-ipv6": [407], "5118-ipv6-bad": [400], "5118-ipv6-bug-abnf-3-colons": [200],
    "5118-ipv6-good": [401], "5118-ipv6-in-sdp": [407], "5118-mult-ip-in-header": [481],
    "5118-mult-ip-in-sdp": [407], "5118-port-ambiguous": [401], "5118-port-unambiguous": [401],
    "5118-via-received-param-no-delim": [200], "5118-via-received-param-with-delim": [481],
}


def corpus():
    return {p.name: p.read_bytes() for p in sorted(CORPUS.iterdir())
            if re.match(r"(4475|5118)-", p.name)}


def own_branch(raw):
    """Several of the RFCs' messages share one branch: they would be repetitions of each other."""
    return re.sub(rb"branch=z9hG4bK(?=[^\s;,])",
                  b"branch=z9hG4bK" + secrets.token_hex(4).encode(), raw, count=1)


def answers(link, raw):
    """The statuses that come before the answer to an OPTIONS sent behind the message."""
    call_id, got = secrets.token_hex(8), []
    try:
        link.send(raw)
        link.send(sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id=call_id))
        while True:
            m = link.receive(0.3 if got is None else 2)
            if m.get("Call-ID") == call_id:
                return got
            got.append(m.status)
    except (sip.Gone, OSError) as e:
        return WAITS if "nothing within" in str(e) else CLOSED


def torture(server, kind):
    wrong = []
    for name, raw in corpus().items():
        due = DUE[name]
        if isinstance(due, tuple):
            due = due[kind != "udp"]
        with sip.Link(server, kind) as link:
            got = answers(link, own_branch(raw))
        if got != due:
            wrong.append(f"{name} over {kind}: {got}, due {due}")
    assert not wrong, "\n" + "\n".join(wrong)
    run.check_whole(server)


def torture_over_udp(server, _):
    torture(server, "udp")


def torture_over_tcp(server, _):
    torture(server, "tcp")


def torture_over_tls(server, _):
    torture(server, "tls")


# --- damage ---

class Hammer:
    """Throws messages; a connection that the server ends is opened anew."""

    def __init__(self, server, kind):
        self.server, self.kind, self.link = server, kind, None
        self.context = sip.tls_context()
        self.thrown = self.opened = 0

    def throw(self, raw):
        for _ in range(2):
            try:
                if not self.link:
                    self.link = sip.Link(self.server, self.kind, context=self.context)
                    self.opened += 1
                self.link.send(raw)
                break
            except OSError:
                self.drop()
        self.thrown += 1
        if self.thrown % GROUP == 0:
            self.fence()

    def drop(self):
        if self.link:
            self.link.close()
        self.link = None

    def fence(self):
        """The server has dealt with everything so far: it answers what comes behind it. On a connection
        a message that is not whole may wait for more: there the question goes over a new one."""
        if self.kind != "udp":
            self.drop()
        with sip.Link(self.server, "udp") as link:
            assert sip.options(link).status == 200
        if self.link:
            self.link.socket.setblocking(False)
            try:
                while self.link.socket.recv(65536):
                    pass
            except OSError:
                pass
            self.link.socket.setblocking(True)


TOKENS = [b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b";", b",", b":", b"<", b">", b'"', b"\\", b"%00", b"%",
          b"@", b"z9hG4bK", b"SIP/2.0", b"4294967296", b"-1", b"99999999999999999999", b"\xff\xfe", b"sip:",
          b"sips:", b"tel:+1", b"[::1]", b"[", b"]", b";tag=", b";branch=", b";lr", b"Content-Length: 7\r\n",
          b"l: 0\r\n", b"Via: SIP/2.0/UDP x\r\n", b"Route: <sip:a;lr>\r\n", b"Require: a,b,,c\r\n",
          b"Contact: *\r\n", b"CSeq: 1 ACK\r\n", b"\r\n ", b"A" * 300, b";a=b" * 40, b"a=crypto:1 X inline:\r\n"]


def seeds(server):
    """The RFCs' messages, and ones that get further: with this server's names and a description."""
    found = list(corpus().values())
    with sip.Link(server, "udp") as link:
        body = sip.sdp(link)
        asked = sip.register(link, "1000", "wrong-password")
        line = sip.credentials(sip.challenge_of(asked), "REGISTER", f"sip:{sip.DOMAIN}", "1000")
        for method in ("INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL", "ACK", "UPDATE", "PRACK", "INFO"):
            for headers in ((sip.SDP_TYPE,), (sip.SDP_TYPE, line), (sip.SDP_TYPE, "Proxy-" + line)):
                found.append(sip.request(link, method, f"sip:1001@{sip.DOMAIN}", to=f"<sip:1000@{sip.DOMAIN}>",
                                         headers=headers, body=body))
    return found


def mutate(r, raw, pool):
    data = bytearray(raw)
    for _ in range(r.choice((1, 1, 1, 2, 4, 8))):
        if not data:
            break
        at = r.randrange(len(data))
        kind = r.randrange(7)
        if kind == 0:
            data[at] ^= 1 << r.randrange(8)
        elif kind == 1:
            data[at] = r.randrange(256)
        elif kind == 2:
            del data[at:at + r.choice((1, 2, 8, 64))]
        elif kind == 3:
            data[at:at] = r.choice(TOKENS)
        elif kind == 4:
            end = min(len(data), at + r.randrange(1, 80))
            data[at:at] = data[at:end] * r.choice((1, 2, 20))
        elif kind == 5:
            other = r.choice(pool)
            data[at:] = other[r.randrange(len(other)):]
        else:
            line = data.find(b"\r\n", at)
            if line >= 0:
                data[line + 2:line + 2] = bytes(data[at:line + 2])
    return bytes(data[:60000])


def set_length(raw):
    """Makes Content-Length right again, so that what follows on a connection is read as well."""
    head, blank, body = raw.partition(b"\r\n\r\n")
    return re.sub(rb"(?im)^(content-length|l)\s*:[^\r\n]*", b"Content-Length: %d" % len(body), head) + blank + body


def mutations(server, kind):
    r = random.Random(4475)
    hammer, pool = Hammer(server, kind), seeds(server)
    pid, sizes = server.roles()["signal"], []
    for n in range(MUTATIONS):
        raw = mutate(r, own_branch(r.choice(pool)), pool)
        hammer.throw(set_length(raw) if r.random() < 0.7 else raw)
        if n % (MUTATIONS // 4) == 0:
            sizes.append(run.resident(pid))
    hammer.fence()
    sizes.append(run.resident(pid))
    print(f"  {kind}: {hammer.thrown} messages, {hammer.opened} connections, resident KiB {sizes}")
    # The tables of transactions grow up to their limits first; growth that goes on would be a leak.
    if not run.is_sanitized():  # its quarantine grows by design, and it finds leaks itself
        assert sizes[-1] - sizes[-2] < LEAK_KIB, sizes
    run.check_whole(server)


def mutations_over_udp(server, _):
    mutations(server, "udp")


def mutations_over_tcp(server, _):
    mutations(server, "tcp")


def mutations_over_tls(server, _):
    mutations(server, "tls")


def truncations_and_flipped_bits(server, _):
    with sip.Link(server, "udp") as link:
        raw = sip.request(link, "INVITE", f"sip:1001@{sip.DOMAIN}", headers=(sip.SDP_TYPE,), body=sip.sdp(link))
    for kind, step in (("udp", 1), ("tcp", 7), ("tls", 41)):
        hammer = Hammer(server, kind)
        for n in range(0, len(raw), step):
            hammer.throw(raw[:n])
            if kind != "udp":
                hammer.drop()
        for bit in range(0, len(raw) * 8, step):
            damaged = bytearray(raw)
            damaged[bit // 8] ^= 1 << bit % 8
            hammer.throw(bytes(damaged))
            if kind != "udp":
                hammer.drop()
    run.check_whole(server)


# --- lengths ---

def lies_about_lengths(server, _):
    """On a stream a wrong length would let one message hide in another."""
    for kind in ("tcp", "tls"):
        for value, closed in ((b"-1", True), (b"4294967296", True), (b"1e3", True), (b"", True),
                              (b"0x10", True), (b"65537", True), (b"1, 2", True), (b"00000000000000000", False)):
            with sip.Link(server, kind) as link:
                raw = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id="liar")
                link.send(raw.replace(b"Content-Length: 0", b"Content-Length: " + value))
                if closed:
                    assert link.is_closed(), f"{kind}: Content-Length {value!r} did not end the connection"
                else:
                    assert link.answer_to("liar", 1).status == 200
        with sip.Link(server, kind) as link:  # two lengths
            raw = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}")
            link.send(raw.replace(b"Content-Length: 0", b"Content-Length: 0\r\nl: 5") + b"12345")
            assert link.is_closed()
        with sip.Link(server, kind) as link:  # shorter than the body: what is left is no message
            raw = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", body="A" * 40, call_id="short")
            link.send(raw.replace(b"Content-Length: 40", b"Content-Length: 20"))
            assert link.answer_to("short", 1).status == 200
            link.send(b"\r\n\r\n")
            assert link.is_closed()
        with sip.Link(server, kind) as link:  # a request in a body is no request
            inner = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id="inner")
            link.send(sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id="outer", body=inner))
            assert sip.options(link).status == 200
            assert [m.get("Call-ID") for m in link.waiting] == ["outer"], link.waiting
    run.check_whole(server)


def too_large(server, _):
    """65,535 bytes are a message (SIP_MSG_MAX); one more ends the connection, on the head or on the whole."""
    for kind in ("tcp", "tls"):
        for size, good in ((65535, True), (65536, False)):
            with sip.Link(server, kind) as link:
                raw = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id="big", body="x" * 60000)
                body = "x" * (60000 + size - len(raw))
                raw = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id="big", body=body)
                raw += b"x" * (size - len(raw))  # the branch and tag have one length
                assert len(raw) == size, len(raw)
                try:
                    link.send(raw)
                except OSError:
                    assert not good
                if good:
                    assert link.answer_to("big", 1).status == 200
                else:
                    assert link.is_closed(), f"{kind}: {size} bytes were taken"
        with sip.Link(server, kind) as link:
            try:
                link.send(b"OPTIONS sip:a SIP/2.0\r\nX: " + b"a" * 70000)
            except OSError:
                pass
            assert link.is_closed(), f"{kind}: a head without end was kept"
    run.check_whole(server)


def a_byte_at_a_time(server, _):
    """The cost of a message must not grow with the number of pieces it comes in, squared."""
    with sip.Link(server, "tcp") as link:
        raw = sip.request(link, "OPTIONS", f"sip:{sip.DOMAIN}", call_id="slow", body="x" * 20000)
        pid = server.roles()["signal"]
        before = cpu(pid)
        for i in range(len(raw)):
            link.send(raw[i:i + 1])
        assert link.answer_to("slow", 1).status == 200
        used = cpu(pid) - before
        print(f"  {len(raw)} pieces: {used:.2f} s of CPU")
        if not run.is_sanitized():
            assert used < 2, used


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def strangers_answers(server, _):
    """Responses that nobody waits for change nothing and get no answer."""
    for kind in run.ALL:
        with sip.Link(server, kind) as link:
            for status in (100, 180, 200, 302, 401, 407, 487, 600, 699):
                for method in ("INVITE", "REGISTER", "BYE"):
                    raw = sip.request(link, method, f"sip:{sip.DOMAIN}")
                    link.send(raw.replace(f"{method} sip:{sip.DOMAIN} SIP/2.0".encode(),
                                          f"SIP/2.0 {status} Yes".encode()))
            assert sip.options(link).status == 200
            assert not link.waiting, link.waiting
    run.check_whole(server)


def open_with_domain(folder):
    server = run.open_server(folder)
    server.cli("domain", "add", "example.com")
    return server


if __name__ == "__main__":
    run.main([torture_over_udp, torture_over_tcp, torture_over_tls, truncations_and_flipped_bits,
              lies_about_lengths, too_large, a_byte_at_a_time, strangers_answers, mutations_over_udp,
              mutations_over_tcp, mutations_over_tls], opener=open_with_domain)
