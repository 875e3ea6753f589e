#!/usr/bin/python3
"""What an administrator says of phones by their User-Agent counts from the next call on."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import space  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
AES128, AES256 = "AES_CM_128_HMAC_SHA1_80", "AES_256_CM_HMAC_SHA1_80"
GCM = "AEAD_AES_128_GCM"
BOTH = ("--suite", f"{AES256},{AES128}")
cases = Cases(__file__, opener({"1000": {}, "1001": {}}))


def talk(on, caller=(), callee=()):
    """(keying, suite) of the caller's and of the callee's leg."""
    with on.phone("1001", "--answer", "--play", f"tone:{CALLEE_HZ}", *callee) as b:
        b.wait("registered")
        with on.phone("1000", "--play", f"tone:{CALLER_HZ}", "--seconds", 2, *caller,
                      call="1001") as a:
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    for end, hz in ((said, CALLEE_HZ), (heard, CALLER_HZ)):
        assert end["result"] == "answered" and abs(end["audio"]["tone_hz"] - hz) < 5, end
    return tuple((end["media"]["keying"], end["media"]["suite"]) for end in (said, heard))


@cases.case("a phone whose AES-256 has no sound gets AES-128, both ways")
def aes256(on):
    assert talk(on, BOTH, BOTH) == (("sdes", AES256), ("sdes", AES256))
    on.server.cli("quirk", "set", "sotto", "--no-aes256", "--digest", "sha256-first")
    assert talk(on, BOTH, BOTH) == (("sdes", AES128), ("sdes", AES128))
    on.server.cli("quirk", "del", "SOTTO")
    assert talk(on, BOTH, BOTH) == (("sdes", AES256), ("sdes", AES256))


@cases.case("a phone is offered what it is said to like")
def offer(on):
    on.server.cli("quirk", "set", "sotto", "--offer", "dtls")
    (_, (keying, _)) = talk(on)
    assert keying == "dtls", keying
    on.server.cli("quirk", "set", "sotto", "--offer", "mikey")  # which this user may not use
    (_, (keying, _)) = talk(on)
    assert keying == "sdes", keying
    on.server.cli("quirk", "del", "sotto")


@cases.case("with the other name of AES-256, and in an offer of one line")
def name(on):
    on.server.cli("user", "set", "1001", "--suites", f"{AES256},{AES128}")
    on.server.cli("quirk", "set", "sotto", "--aes256-name", "AES_CM_256", "--crypto-lines", "1")
    assert talk(on, (), ("--suite", f"{AES128},{AES256}"))[1] == ("sdes", AES256)
    on.server.cli("quirk", "set", "sotto", "--no-aes256")
    assert talk(on, (), ("--suite", f"{AES128},{AES256}"))[1] == ("sdes", AES128)
    on.server.cli("user", "set", "1001", "--suites", AES256)  # the policy is above it
    assert talk(on)[1] == ("sdes", AES256)
    on.server.cli("user", "set", "1001", "--suites", "inherit")
    on.server.cli("quirk", "del", "sotto")


@cases.case("GCM is what both phones have and get, until a phone is said not to have it")
def gcm(on):
    assert talk(on) == (("sdes", GCM), ("sdes", GCM))
    assert talk(on, BOTH)[0] == ("sdes", AES256), "a phone's own wishes"
    on.server.cli("quirk", "set", "sotto", "--digest", "sha256-first")
    assert talk(on) == (("sdes", GCM), ("sdes", AES128)), "of its own accord, and in our offer"
    on.server.cli("quirk", "set", "sotto", "--gcm", "--crypto-lines", "1")
    assert talk(on)[1] == ("sdes", GCM)
    on.server.cli("quirk", "del", "sotto")


if __name__ == "__main__":
    space.enter()
    cases.main()
