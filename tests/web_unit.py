#!/usr/bin/python3
"""The unit tests of the page's logic (web/test), by Node's own test runner. Skipped where Node, npm or
the page's packages are missing."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(77)


def main():
    missing = [tool for tool in ("node", "npm") if not shutil.which(tool)]
    if missing:
        skip(f"{' and '.join(missing)} not installed")
    built = subprocess.run([ROOT / "tools" / "build-web", "--need"], text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if "could not fetch" in built.stdout:
        skip("npm cannot fetch the page's packages")
    if built.returncode:
        sys.exit(f"the page was not built:\n{built.stdout}")
    done = subprocess.run(["node", "test.mjs"], cwd=ROOT / "web", text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    counts = dict(re.findall(r"^# (tests|pass|fail|cancelled) (\d+)$", done.stdout, re.M)) or \
        dict(re.findall(r"^ℹ (tests|pass|fail|cancelled) (\d+)$", done.stdout, re.M))
    passed = int(counts.get("pass", 0))
    failed = int(counts.get("tests", 0)) - passed
    if done.returncode or failed or not passed:
        print(done.stdout)
        failed = failed or 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
