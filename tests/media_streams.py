#!/usr/bin/python3
"""Calls on the media role's other way in and out: a socket for each port, as where the server has no
privileges. Scripts that run on the shared way everywhere else (as root) are run again."""
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
AGAIN = (("kill.py", "media", "across_the_wrap"), ("ice.py", "six_called", "six_killed"),
         ("hostile_call.py",), ("workers.py",))


def main():
    env = dict(os.environ, SOTTO_MEDIA_PATH="streams")
    failed = 0
    for script, *cases in AGAIN:
        print(f"== {script} {' '.join(cases)}", flush=True)
        failed += subprocess.run([sys.executable, HERE / script, *cases], env=env, check=False).returncode != 0
    print(f"{len(AGAIN) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
