#!/usr/bin/python3
"""The table of peers, keyings and transports, from what the other scripts proved when they ran last.

  interop/table.py [--run] [--write]     --run: lets them all run first; --write: into docs/INTEROP.md

Fails where a case of the table failed; says so where a script has not been run. `make interop` is both.
"""
import json
import subprocess
import sys
from pathlib import Path

from lib import space
from lib.cases import RESULTS, version

HERE = Path(__file__).resolve()
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "INTEROP.md"
# Those of tests/ that are cases with a peer too; of interop/, all are.
TESTS = ("dtls", "ice", "kill", "kill_baresip", "kill_ringing", "mikey", "pass", "schemes", "zrtp")
SCRIPTS = (*TESTS, *sorted(p.stem for p in HERE.parent.glob("*.py") if p != HERE))
PEERS = {"baresip": ("baresip", "-h"), "Chromium": ("chromium", "--version"),
         "Janus": ("janus", "--version"),
         "linphone": ("linphonec", "-v"), "SIPp": ("sipp", "-v")}
TRANSPORTS = ("tls", "wss", "tcp", "udp")
HEAD = """# Interoperability

Real phones and test tools through the server, each in a network namespace of its own. Tones prove the
audio: in the phones' recordings, and in SRTP opened from a capture with the keys of the phones' own SDP.
Made by `make interop`, which runs all of it.

"""


def run_all():
    """Nothing of an earlier run stays: a script that breaks must not pass for what it once was."""
    for name in SCRIPTS:
        (RESULTS / f"{name}.json").unlink(missing_ok=True)
    folder = {name: "tests" if name in TESTS else "interop" for name in SCRIPTS}
    done = subprocess.run([ROOT / "tools" / "run-tests", "--build", RESULTS.parent.relative_to(ROOT),
                           *(f"{folder[name]}/{name}" for name in SCRIPTS)], check=False)
    return done.returncode


def results():
    found, missing = [], []
    for name in SCRIPTS:
        path = RESULTS / f"{name}.json"
        if path.exists():
            found += [dict(r, script=name) for r in json.loads(path.read_text(encoding="utf-8"))]
        else:
            missing.append(name)
    return found, missing


def cell(done):
    """done: the cases of one peer, keying and transport"""
    if not done:
        return "-"
    failed = [d["case"] for d in done if not d["ok"]]
    return "FAILED: " + ", ".join(failed) if failed else "works"


def table(found):
    rows = {}
    for r in found:
        if r["peer"]:
            rows.setdefault((r["peer"], r["keying"]), []).append(r)
    lines = ["| peer | keying: what | TLS | WSS | TCP | UDP |", "|---|---|---|---|---|---|"]
    for (peer, keying), done in sorted(rows.items(), key=lambda row: (row[0][0].lower(), row[0][1])):
        cells = [cell([d for d in done if d["transport"] == t]) for t in TRANSPORTS]
        lines.append(f"| {peer} | {keying} | {' | '.join(cells)} |")
    return lines


def also(found):
    """Cases that are no cell of the table."""
    return [f"- {r['does']}: {'works' if r['ok'] else 'FAILED'}" for r in found if not r["peer"]]


def page(found):
    lines = table(found)
    versions = [f"- {name}: {version(*command)}" for name, command in PEERS.items()]
    return (HEAD + "\n".join(lines) + "\n\n## Also proven\n\n" + "\n".join(also(found)) +
            "\n\n## Versions\n\n" + "\n".join(versions) + "\n")


def main():
    status = run_all() if "--run" in sys.argv[1:] else 0
    found, missing = results()
    if not found:
        space.skip("none of the other scripts has been run")
    text = page(found)
    print(text)
    for name in missing:
        print(f"not run: {name}")
    if "--write" in sys.argv[1:]:
        if missing:
            sys.exit(f"docs/INTEROP.md not written: not run: {', '.join(missing)}")
        PAGE.write_text(text, encoding="utf-8")
    sys.exit(status if all(r["ok"] for r in found) else 1)


main()
