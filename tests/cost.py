#!/usr/bin/python3
"""Instructions of the hottest paths against the recorded ones: bench/cost, which says how."""
import os
import sys

os.execv("bench/cost", [*sys.argv[:1], *sys.argv[1:]])
