"""A script's cases: run one after the other, each passes or tells why not; what was proven with which
peer goes to a file, from which table.py makes the table."""
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

BUILD = Path(os.environ.get("SOTTO_BUILD", Path(__file__).resolve().parents[2] / "build"))
RESULTS = BUILD / "interop"


class Cases:
    def __init__(self, script, context):
        """`context` gives a context manager, whose value each case gets."""
        self.script = Path(script).stem
        self.context = context
        self.cases = []

    def case(self, does, *, peer="", keying="", transport=""):
        """Registers a case; with a peer it is a row's cell of the table."""
        def add(fn):
            self.cases.append((fn, does, peer, keying, transport))
            return fn
        return add

    def run_one(self, given, entry):
        fn, does, peer, keying, transport = entry
        start = time.monotonic()
        ok = True
        try:
            fn(given)
        except Exception:  # whatever it is, the other cases are to run
            ok = False
            traceback.print_exc(file=sys.stdout)
        print(f"{'ok' if ok else 'FAIL'} {fn.__name__}: {does} ({time.monotonic() - start:.1f} s)",
              flush=True)
        return {"case": fn.__name__, "does": does, "peer": peer, "keying": keying,
                "transport": transport, "ok": ok}

    def main(self):
        """Arguments choose cases by name."""
        wanted = set(sys.argv[1:])
        chosen = [c for c in self.cases if not wanted or c[0].__name__ in wanted]
        with self.context() as given:
            done = [self.run_one(given, c) for c in chosen]
            if not all(d["ok"] for d in done):
                given.explain()
        if not wanted:
            RESULTS.mkdir(parents=True, exist_ok=True)
            (RESULTS / f"{self.script}.json").write_text(json.dumps(done, indent=1))
        failed = sum(not d["ok"] for d in done)
        print(f"{len(done) - failed} passed, {failed} failed")
        sys.exit(1 if failed or not done else 0)


def version(*command):
    """What a peer says of its version: its first line with a digit."""
    try:
        out = subprocess.run(command, text=True, capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return next((s.strip() for s in (out.stdout + out.stderr).splitlines()
                 if any(c.isdigit() for c in s)), "")
