"""A network of its own for each script: ports clash with nobody's, and a capture holds only what the
script did. One veth pair with both ends here gives an address that is not loopback's (baresip does
not use that one); traffic between local addresses goes over lo all the same."""
import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOST = "10.99.0.1"
HOST6 = "fd99::1"  # where a script asks for it
NETWORK = ("ip link set lo up && ip link add veth0 type veth peer name veth1 && "
           "ip address add 10.99.0.1/24 dev veth0 && ip address add 10.99.0.2/24 dev veth0 && "
           "ip link set veth0 up && ip link set veth1 up && exec \"$@\"")
SKIPPED = 77


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(SKIPPED)


def need(*tools):
    missing = [t for t in tools if not shutil.which(t)]
    if missing:
        skip(f"{', '.join(missing)} not installed")


def enter(*tools):
    """Starts the script anew inside of a namespace; returns there. Skips it where a tool is missing."""
    if os.environ.get("SOTTO_IN_NETNS"):
        return
    need("unshare", "ip", *tools)
    env = dict(os.environ, SOTTO_IN_NETNS="1")
    # In a user namespace tcpdump cannot drop the rights that it does not have.
    for flags in (["-n"], ["-Urn"])[:1 if "tcpdump" in tools else 2]:
        if subprocess.run(["unshare", *flags, "true"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0:
            os.execvpe("unshare", ["unshare", *flags, "sh", "-c", NETWORK, "sh", sys.executable,
                                   *sys.argv], env)
    skip("cannot make a network namespace (as root it can)")


def ipv6(verb):
    """"add": HOST gets an address of the other IP version beside it; "del": loses it."""
    subprocess.run(["ip", "address", verb, f"{HOST6}/64", "dev", "veth0", "nodad"], check=True)


def folder():
    """A new folder. SOTTO_KEEP=DIR keeps it, for a look at logs, captures and recordings."""
    keep = os.environ.get("SOTTO_KEEP")
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
    made = tempfile.mkdtemp(prefix="s-", dir=keep)
    if not keep:
        atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)
