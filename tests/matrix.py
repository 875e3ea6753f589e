#!/usr/bin/python3
"""Any keying to any: two phones of the project for each cell of the matrix, a tone of its own each way,
and what `sotto show calls` says of both legs compared with what each phone says of its own.

Each cell is two calls. The first wraps its sequence numbers, is renewed, held, resumed, and goes on with
another SSRC; the second has its offer late, and the callee's phone holds and resumes. Codecs are spread
over the cells; in some the phones share none. Many cells run at once; arguments choose rows or ROW:COLUMN.

A keying more is a row more in KEYINGS."""
import base64
import json
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import cases, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.server import DOMAIN  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

PATIENCE = 60  # a busy machine runs many calls at once
AT_ONCE = 13
CODECS = ("PCMA", "G722", "opus")
PSK = base64.b64encode(bytes(range(32))).decode()
AES128, AES256 = "AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"
GCM128 = "AEAD_AES_128_GCM"


@dataclass(frozen=True)
class Keying:
    """What a user's policy and its phone say, and what both ends of the leg must then show."""
    name: str
    policy: tuple
    phone: tuple
    keying: str
    suite: str
    sas: bool = False
    psk: str = None  # MIKEY's key
    agreement: tuple = ()  # of MIKEY under certificates


KEYINGS = (
    Keying("clear", (("protection", "off"),), ("--keying", "none"), "none", None),
    Keying("OSRTP", (("protection", "preferred"),), ("--keying", "sdes,none"), "sdes", GCM128),
    Keying("SDES", (("keying", "sdes"),), ("--keying", "sdes", "--suite", AES128), "sdes", AES128),
    Keying("DTLS", (("keying", "dtls"),), ("--keying", "dtls"), "dtls", GCM128),
    Keying("ZRTP", (("keying", "zrtp"),), ("--keying", "zrtp"), "zrtp", AES256, sas=True),
    Keying("MIKEY", (("keying", "mikey"),), ("--keying", "mikey"), "mikey", AES128),
    Keying("MIKEY-PSK", (("keying", "mikey"),), ("--keying", "mikey"), "mikey", AES128, psk=PSK),
    Keying("MIKEY-CERT", (("keying", "mikey"),), ("--keying", "mikey"), "mikey", AES128,
           agreement=("PK", "RSAR")),
)


class Cell:
    """One caller's keying to one callee's; users, tones and codecs of its own."""

    def __init__(self, on, row, column):
        self.on, self.row, self.column = on, row, column
        self.a, self.b = KEYINGS[row], KEYINGS[column]
        at = row * len(KEYINGS) + column
        self.caller, self.callee = f"{1000 + at}", f"{2000 + at}"
        self.caller_hz, self.callee_hz = 400 + 20 * at, 1200 + 20 * at
        self.caller_codec = CODECS[(row + column) % 3]
        self.callee_codec = CODECS[(row + column + column % 2) % 3]

    def __str__(self):
        return f"{self.a.name} to {self.b.name}"

    def add_users(self):
        self.on.server.add_user(self.caller, psk=self.a.psk, **dict(self.a.policy))
        self.on.server.add_user(self.callee, psk=self.b.psk, **dict(self.b.policy))
        for user, keying in ((self.caller, self.a), (self.callee, self.b)):
            if keying.agreement:
                self.on.server.cli("cert", "client", user, "--rsa", "-o", str(self.on.folder))
                self.on.server.cli("user", "set", user, "--mikey-cert")

    def phone_of(self, user, keying):
        """The options that say how its phone agrees on keys."""
        if not keying.agreement:
            return keying.phone
        at = self.on.folder / f"{user}@{DOMAIN}"
        return (*keying.phone, "--mikey-cert", f"{at}.crt", "--mikey-key", f"{at}.key",
                "--mikey-server-cert", self.on.server.data / "tls" / "mikey.crt")

    def shown(self):
        """The cell's call in `sotto show calls`, or None."""
        for call in self.on.server.calls():
            legs = {leg["role"]: leg for leg in call["legs"]}
            if call["state"] == "answered" and len(legs) == 2 and \
                    legs["caller"]["user"].startswith(self.caller + "@"):
                return legs
        return None

    def media_goes_on(self, packets=20):
        """Waits until both legs have received that many more."""
        before = []

        def probe():
            legs = self.shown()
            assert legs or not before, f"{self}: the call has gone"
            if not legs or not all(leg["media"]["suite"] or leg["media"]["keying"] == "none"
                                   for leg in legs.values()):
                return None
            counts = [legs[role]["rx"]["packets"] for role in ("caller", "callee")]
            if not before:
                before.extend(counts)
            return legs if all(n >= was + packets for n, was in zip(counts, before)) else None
        return waits.until(f"media in both directions, {self}", probe, PATIENCE)

    def phones(self, caller=(), callee=()):
        b = self.on.phone(self.callee, "--answer", "--play", f"tone:{self.callee_hz}", "--codecs",
                          self.callee_codec, *self.phone_of(self.callee, self.b), *callee, psk=self.b.psk)
        a = self.on.phone(self.caller, "--play", f"tone:{self.caller_hz}", "--codecs",
                          self.caller_codec, "--seconds", PATIENCE, "--events",
                          *self.phone_of(self.caller, self.a), *caller, call=self.callee, psk=self.a.psk)
        return a, b

    def renewed(self, phone, times):
        """Waits for the phone's own re-INVITEs, each answered by 200."""
        at = 0
        for _ in range(times):
            phone.out.wait("a re-INVITE answered", lambda s: '"renewed"' in s, at, PATIENCE)
            lines = phone.out.since()
            at = next(i for i in range(at, len(lines)) if '"renewed"' in lines[i]) + 1
            assert json.loads(lines[at - 1])["status"] == 200, lines[at - 1]

    def check(self, legs, said, heard):
        for which, leg, end, hz in ((self.a, legs["caller"], said, self.callee_hz),
                                    (self.b, legs["callee"], heard, self.caller_hz)):
            for told in (leg, end):
                media = told["media"]
                assert (media["keying"], media["suite"]) == (which.keying, which.suite), told
                assert told["rx"]["auth_failures"] == 0 and told["rx"]["replayed"] == 0, told
                assert which.keying == "none" or told["rx"]["clear_dropped"] == 0, told
            assert bool(leg["media"]["sas"]) == which.sas, leg
            assert leg["media"]["sas"] == end["media"]["sas"], (leg, end)
            if which.agreement:
                assert leg["media"]["key_agreement"] in which.agreement, leg
                assert leg["media"]["key_agreement"] == end["media"]["key_agreement"], (leg, end)
            assert end["result"] == "answered", end
            tone = end["audio"]["tone_hz"]
            assert tone and abs(tone - hz) < 6, f"{end['user']} heard {tone} Hz, not {hz}: {end}"

    def talk(self, caller, callee, caller_renews, callee_renews, more=None):
        a, b = self.phones(caller, callee)
        with b:
            b.out.wait_line('"registered"', 0, PATIENCE)
            with a:
                b.out.wait_line('"answered"', 0, PATIENCE)
                a.out.wait_line('"answered"', 0, PATIENCE)
                self.renewed(a, caller_renews)
                self.renewed(b, callee_renews)
                if more:
                    more()
                legs = self.media_goes_on()
                a.process.send_signal(2)  # hangs up
                _, said = a.finish(PATIENCE)
                b.out.wait_line('"ended"', 0, PATIENCE)
                heard = b.wait("ended")
            b.stop()
        self.check(legs, said, heard)
        return said, heard

    def changes(self):
        """Both wrap after 0.7 s; renewed, held, resumed; both have another SSRC after 4 s."""
        options = ("--rtp-seq", 65500, "--ssrc-change-after", 4)
        said, heard = self.talk(("--reinvite-after", 1, "--hold-after", 2, *options), options, 3, 0,
                                lambda: self.media_goes_on(100))
        # What was converted has a stream of our own; else the phones see each other's.
        if self.caller_codec == self.callee_codec:
            assert said["rx"]["streams"] >= 2 and heard["rx"]["streams"] >= 2, (said, heard)

    def late(self):
        """Without an offer in the INVITE; the callee's phone holds and resumes."""
        self.talk(("--offer-late",), ("--hold-after", 1), 0, 2)

    def run(self):
        """(what failed or "", seconds)"""
        start = time.monotonic()
        for part in (self.changes, self.late):
            try:
                part()
            except Exception:  # the other cells are to run
                print(f"FAIL {self}: {part.__name__}\n{traceback.format_exc()}", flush=True)
                return part.__name__, time.monotonic() - start
        print(f"ok {self} ({self.caller_codec}, {self.callee_codec}; "
              f"{time.monotonic() - start:.1f} s)", flush=True)
        return "", time.monotonic() - start


def print_matrix(results):
    """Lines that `make test` repeats."""
    width = max(len(k.name) for k in KEYINGS) + 2
    print("> caller \\ callee " + "".join(k.name.ljust(width) for k in KEYINGS))
    for row, k in enumerate(KEYINGS):
        cells = (results.get((row, column)) for column in range(len(KEYINGS)))
        marks = ("-" if r is None else "FAIL" if r[0] else "ok" for r in cells)
        print(f"> {k.name:<16}" + "".join(m.ljust(width) for m in marks))
    good = sum(not failed for failed, _ in results.values())
    print(f"> {good} of {len(results)} pairs, tone both ways, each with wrap, re-INVITE, hold, SSRC "
          "change, late offer", flush=True)


def chosen(words):
    for row, a in enumerate(KEYINGS):
        for column, b in enumerate(KEYINGS):
            if not words or {a.name, f"{a.name}:{b.name}"} & set(words):
                yield row, column


def keep(results):
    rows = [{"case": f"{KEYINGS[r].name}_{KEYINGS[c].name}", "peer": "sotto phone",
             "does": f"matrix: {KEYINGS[r].name} to {KEYINGS[c].name}", "transport": "tls",
             "keying": f"{KEYINGS[r].name} to {KEYINGS[c].name}", "ok": not failed}
            for (r, c), (failed, _) in results.items()]
    cases.RESULTS.mkdir(parents=True, exist_ok=True)
    (cases.RESULTS / "matrix.json").write_text(json.dumps(rows, indent=1))


def main():
    with opener({})() as on:
        cells = {at: Cell(on, *at) for at in chosen(sys.argv[1:])}
        for cell in cells.values():
            cell.add_users()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = dict(zip(cells, pool.map(Cell.run, cells.values())))
        failed = sum(bool(why) for why, _ in results.values())
        if failed:
            on.explain()
    print_matrix(results)
    if not sys.argv[1:]:
        keep(results)
    print(f"{len(results) - failed} passed, {failed} failed")
    sys.exit(1 if failed or not results else 0)


os.environ.pop("SOTTO_DATA", None)
if __name__ == "__main__":
    space.enter()
    main()
