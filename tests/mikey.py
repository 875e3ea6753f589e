#!/usr/bin/python3
"""MIKEY with the project's own phone, in clear within TLS, under a pre-shared key, and under certificates
(public key, RSA-R): to what is built in, to one that has SDES, both ways, with hold and re-INVITE; nothing
clear is on the wire. And with messages of another make: what fits is answered with proof, what does not is
refused by name."""
import base64
import secrets
import sys
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from interop.lib import capture, space, waits  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.cases import Cases  # noqa: E402  pylint: disable=wrong-import-position
from interop.lib.stage import opener  # noqa: E402  pylint: disable=wrong-import-position
from tests.lib import mikey, sip  # noqa: E402  pylint: disable=wrong-import-position

CALLER_HZ, CALLEE_HZ = 440, 1000
SUITE, GCM = "AES_CM_128_HMAC_SHA1_80", "AEAD_AES_128_GCM"
MIKEY = {"keying": "mikey"}
KEYS = {user: base64.b64encode(secrets.token_bytes(32)).decode() for user in ("3000", "3001", "3002")}
USERS = {"1000": {}, "1001": {}, "2000": MIKEY, "2001": MIKEY,
         **{user: {"keying": "mikey,sdes" if user == "3002" else "mikey", "psk": key}
            for user, key in KEYS.items()}}
PHONE = ("--keying", "mikey")
CERTIFIED = ("4000", "4001", "4002")  # MIKEY under certificates; of 4002 that is not required


def certificate(folder, user):
    """The options of a phone with that user's RSA certificate."""
    at = folder / f"{user}@{sip.DOMAIN}"
    return ("--mikey-cert", f"{at}.crt", "--mikey-key", f"{at}.key")


@contextmanager
def stage():
    users = {**USERS, **{user: MIKEY for user in CERTIFIED}}
    with opener(users)() as on:
        for user in CERTIFIED:
            on.server.cli("cert", "client", user, "--rsa", "-o", str(on.folder))
        for user in CERTIFIED[:2]:
            on.server.cli("user", "set", user, "--mikey-cert")
        yield on


cases = Cases(__file__, stage)


# Packets that are under way when a hold begins are dropped, rightly; and every description brings new
# keys: a packet that overtakes the answer, by another way than the answer's, is not readable yet, and one
# that comes after it under the old keys no more. Both count as unauthentic, and as lost.
LOST_IN_HOLD = 3


def check_end(said, hz, keying, lost=0):
    assert said["result"] == "answered", said
    assert said["media"]["keying"] == keying, said
    assert said["media"]["suite"] == (GCM if keying == "sdes" else SUITE), said
    assert abs(said["audio"]["tone_hz"] - hz) < 5, said
    rx = said["rx"]
    assert rx["auth_failures"] <= rx["lost"] <= lost and rx["clear_dropped"] == 0, said


def check_wire(wire):
    assert wire.rtp(), "nothing was captured"
    assert not capture.clear_flows(wire.rtp(), CALLER_HZ, CALLEE_HZ)
    assert not capture.repeats(wire.rtp())


def call_echo(on, user):
    with on.capture(f"echo-{user}") as wire:
        with on.phone(user, *PHONE, "--play", f"tone:{CALLER_HZ}", "--seconds", 3, call="echo",
                      psk=KEYS.get(user)) as a:
            call = on.server.answered(1)
            media = call["legs"][0]["media"]
            assert (media["keying"], media["key_agreement"]) == \
                ("mikey", "PSK" if user in KEYS else None), call
            told = on.server.cli("explain", call["id"])
            assert ("encrypted by the user's own key" in told) == (user in KEYS), told
            _, said = a.finish()
        on.server.wait_no_call()
    check_end(said, CALLER_HZ, "mikey")
    assert said["media"]["key_agreement"] == media["key_agreement"], said
    check_wire(wire)


@cases.case("echo", peer="sotto phone", keying="mikey: echo", transport="tls")
def echo(on):
    call_echo(on, "2000")


@cases.case("echo, under a key", peer="sotto phone", keying="mikey psk: echo", transport="tls")
def echo_psk(on):
    call_echo(on, "3000")


def pk(on, user, *options):
    """A phone that has the server's certificate, and so offers by public key."""
    server = on.server.data / "tls" / "mikey.crt"
    return (*PHONE, *certificate(on.folder, user), "--mikey-server-cert", server, *options)


def rsa_r(on, user, *options):
    return (*PHONE, *certificate(on.folder, user), *options)


@cases.case("echo, under certificates", peer="sotto phone", keying="mikey pk, rsa-r: echo", transport="tls")
def echo_cert(on):
    for user, options, how in (("4000", pk, "PK"), ("4000", rsa_r, "RSAR"), ("4002", pk, "PK")):
        with on.capture(f"echo-{user}-{how}") as wire:
            with on.phone(user, *options(on, user), "--play", f"tone:{CALLER_HZ}", "--seconds", 2,
                          call="echo") as a:
                call = on.server.answered(1)
                media = call["legs"][0]["media"]
                assert (media["keying"], media["key_agreement"]) == ("mikey", how), call
                told = on.server.cli("explain", call["id"])
                assert "signed under the certificates of user and server" in told, told
                _, said = a.finish()
            on.server.wait_no_call()
        check_end(said, CALLER_HZ, "mikey")
        assert said["media"]["key_agreement"] == how, said
        check_wire(wire)


def talk(on, caller, callee, caller_options, callee_options, keyings, lost=0):
    with on.capture(f"{caller}-{callee}") as wire, \
            on.phone(callee, "--answer", "--play", f"tone:{CALLEE_HZ}", *callee_options,
                     psk=KEYS.get(callee)) as b:
        b.wait("registered")
        with on.phone(caller, "--play", f"tone:{CALLER_HZ}", "--seconds", 4, *caller_options,
                      call=callee, psk=KEYS.get(caller)) as a:
            b.wait("answered")
            waits.until("media in each leg", lambda: all(
                leg["rx"]["packets"] for leg in on.server.answered(2)["legs"]))
            _, said = a.finish()
            heard = b.wait("ended")
        on.server.wait_no_call()
        b.stop()
    check_end(said, CALLEE_HZ, keyings[0], lost=lost)
    check_end(heard, CALLER_HZ, keyings[1], lost=lost)
    check_wire(wire)


@cases.case("MIKEY calls SDES", peer="sotto phone", keying="mikey to sdes", transport="tls")
def mikey_to_sdes(on):
    talk(on, "2000", "1001", PHONE, (), ("mikey", "sdes"))


@cases.case("two of them: hold, resume, re-INVITE", peer="sotto phone", keying="mikey: hold",
            transport="tls")
def hold(on):
    talk(on, "2000", "2001", (*PHONE, "--hold-after", 1), (*PHONE, "--reinvite-after", 1),
         ("mikey", "mikey"), lost=LOST_IN_HOLD)


@cases.case("a key calls SDES", peer="sotto phone", keying="mikey psk to sdes", transport="tls")
def psk_to_sdes(on):
    talk(on, "3000", "1001", PHONE, (), ("mikey", "sdes"))


@cases.case("SDES calls a key", peer="sotto phone", keying="sdes to mikey psk", transport="tls")
def sdes_to_psk(on):
    talk(on, "1000", "3001", (), PHONE, ("sdes", "mikey"))


@cases.case("a key calls another: hold, resume, re-INVITE", peer="sotto phone",
            keying="mikey psk: hold", transport="tls")
def psk_hold(on):
    talk(on, "3000", "3001", (*PHONE, "--hold-after", 1), (*PHONE, "--reinvite-after", 1),
         ("mikey", "mikey"), lost=LOST_IN_HOLD)


@cases.case("a public key calls SDES", peer="sotto phone", keying="mikey pk to sdes", transport="tls")
def pk_to_sdes(on):
    talk(on, "4000", "1001", pk(on, "4000"), (), ("mikey", "sdes"))


@cases.case("SDES calls RSA-R", peer="sotto phone", keying="sdes to mikey rsa-r", transport="tls")
def sdes_to_rsa_r(on):
    talk(on, "1000", "4001", (), rsa_r(on, "4001"), ("sdes", "mikey"))


@cases.case("a public key calls RSA-R: hold, resume, re-INVITE", peer="sotto phone",
            keying="mikey pk to rsa-r: hold", transport="tls")
def pk_hold(on):
    talk(on, "4000", "4001", pk(on, "4000", "--hold-after", 1),
         rsa_r(on, "4001", "--reinvite-after", 1), ("mikey", "mikey"), lost=LOST_IN_HOLD)


@cases.case("RSA-R calls a pre-shared key: hold, resume, re-INVITE", peer="sotto phone",
            keying="mikey rsa-r to psk: hold", transport="tls")
def rsa_r_hold(on):
    talk(on, "4000", "3001", rsa_r(on, "4000", "--hold-after", 1), (*PHONE, "--reinvite-after", 1),
         ("mikey", "mikey"), lost=LOST_IN_HOLD)


@cases.case("a phone with another's certificate, with none, with another CA's, and one that is called")
def cert_wrong(on):
    for options, why in ((rsa_r(on, "4001"), "certificate in the MIKEY message is of another"),
                         (PHONE, "not under a certificate, which the user needs")):
        with on.phone("4000", *options, "--seconds", 2, call="echo") as a:
            status, said = a.finish()
        assert status == 1 and said["status"] == 488 and why in said["reason"], said
    with on.phone("4001", *rsa_r(on, "4002"), "--answer") as b:
        b.wait("registered")
        with on.phone("1000", "--seconds", 2, call="4001") as a:
            status, said = a.finish()
        b.stop()
    assert status == 1 and said["result"] == "failed", said
    # who has a pre-shared key uses it alone
    with on.phone("3000", *rsa_r(on, "4000"), "--seconds", 2, call="echo") as a:
        status, said = a.finish()
    assert status == 1 and said["status"] == 488 and "under which alone" in said["reason"], said
    on.server.wait_no_call()


@cases.case("GCM under a key")
def psk_gcm(on):
    with on.phone("3000", *PHONE, "--suite", "AEAD_AES_256_GCM", "--seconds", 2, call="echo",
                  psk=KEYS["3000"]) as a:
        _, said = a.finish()
    assert said["media"]["suite"] == "AEAD_AES_256_GCM", said
    on.server.wait_no_call()


@cases.case("a phone with another key, with none, and one that is called")
def psk_wrong(on):
    for psk, why in ((KEYS["3001"], "does not fit the user's pre-shared key"),
                     (None, "not authenticated by the user's pre-shared key")):
        with on.phone("3000", *PHONE, "--seconds", 2, call="echo", psk=psk) as a:
            status, said = a.finish()
        assert status == 1 and said["status"] == 488 and why in said["reason"], said
    with on.phone("3001", *PHONE, "--answer", psk=KEYS["3000"]) as b:
        b.wait("registered")
        with on.phone("3000", *PHONE, "--seconds", 2, call="3001", psk=KEYS["3000"]) as a:
            status, said = a.finish()
        b.stop()
    assert status == 1 and said["status"] == 488, said
    on.server.wait_no_call()


def invite(link, user, keying):
    """To echo. (the final answer, how to hang up)"""
    uri, how = f"sip:echo@{sip.DOMAIN}", {
        "user": user, "call_id": secrets.token_hex(8), "from_tag": secrets.token_hex(4),
        "body": sip.sdp(link, crypto=keying)}
    link.send(sip.request(link, "INVITE", uri, headers=(sip.SDP_TYPE,), **how))
    asked = link.answer_to(how["call_id"], 1)
    line = sip.credentials(sip.challenge_of(asked), "INVITE", uri, user, proxy=True)
    link.send(sip.request(link, "INVITE", uri, cseq=2, headers=(sip.SDP_TYPE, line), **how))
    answer = link.answer_to(how["call_id"], 2)
    del how["body"]

    def hang_up():
        for cseq, method in ((2, "ACK"), (3, "BYE")):
            link.send(sip.request(link, method, uri, cseq=cseq, to_tag=answer.tag("To"), **how))
        assert link.answer_to(how["call_id"], 3).status == 200
    return answer, hang_up


def check_refused(link, user, keying, why):
    answer, _ = invite(link, user, keying)
    assert answer.status == 488 and why in answer.get("Warning"), answer


def initiator(user="3000", **how):
    return mikey.Initiator(base64.b64decode(KEYS["3000"]), f"{user}@{sip.DOMAIN}", sip.DOMAIN, **how)


@cases.case("messages of another make")
def other_make(on):
    with sip.Link(on.server, "tls") as link:
        ours = initiator()
        answer, hang_up = invite(link, "3000", mikey.line(ours.message()))
        assert answer.status == 200, answer
        ours.check(mikey.found(answer.body))
        assert b"RTP/SAVP" in answer.body, answer
        hang_up()
        check_refused(link, "3000", mikey.line(ours.message()), "a replay")
        check_refused(link, "3000", mikey.line(initiator(when=1).message()), "set the phone's clock")
        check_refused(link, "3000", mikey.line(initiator("3001").message()), "of another than the user")
        changed = bytearray(initiator().message())
        changed[-30] ^= 1
        check_refused(link, "3000", mikey.line(changed), "does not fit the user's pre-shared key")
    on.server.wait_no_call()


def certified(on, user="4000", **how):
    return mikey.Certified(on.folder, f"{user}@{sip.DOMAIN}", sip.DOMAIN,
                           on.server.data / "tls" / "mikey.crt", **how)


@cases.case("messages of another make, under certificates")
def other_make_cert(on):
    with sip.Link(on.server, "tls") as link:
        pke = certified(on)
        message = pke.public_key()
        answer, hang_up = invite(link, "4000", mikey.line(message))
        assert answer.status == 200, answer
        pke.check(mikey.found(answer.body), mikey.PK_RESP)
        hang_up()
        check_refused(link, "4000", mikey.line(message), "a replay")
        other = certified(on)
        answer, hang_up = invite(link, "4000", mikey.line(other.rsa_r()))
        assert answer.status == 200, answer
        other.open(mikey.found(answer.body))
        hang_up()
        for message, why in (
                (certified(on, when=1).public_key(), "set the phone's clock"),
                (certified(on, "4001").public_key(), "certificate in the MIKEY message is of another"),
                (certified(on, signer=f"4001@{sip.DOMAIN}").rsa_r(), "the signature of the MIKEY message"),
                (certified(on).public_key(b"sip:4001@" + sip.DOMAIN.encode()),
                 "the keys of the MIKEY message are of another")):
            check_refused(link, "4000", mikey.line(message), why)
    on.server.wait_no_call()


@cases.case("a new certificate of the server's, while it runs")
def cert_renewed(on):
    old = certified(on).public_key()
    pair = [on.server.data / "tls" / f"mikey.{ending}" for ending in ("crt", "key")]
    before = pair[0].read_text()
    for path in pair:
        path.unlink()
    on.server.cli("reload")
    assert pair[0].read_text() != before
    with on.phone("4000", *pk(on, "4000"), "--seconds", 1, call="echo") as a:
        _, said = a.finish()
    assert said["result"] == "answered" and said["media"]["key_agreement"] == "PK", said
    with sip.Link(on.server, "tls") as link:
        check_refused(link, "4000", mikey.line(old), "is not for the certificate in use here")
    on.server.wait_no_call()


@cases.case("a mode that nobody speaks here is named, and the next keying of the offer tried")
def other_mode(on):
    dh = mikey.line(mikey.of_mode(mikey.DH_INIT))
    with sip.Link(on.server, "tls") as link:
        check_refused(link, "3000", dh, "Diffie-Hellman is not supported here")
        sdes = f"a=crypto:1 {SUITE} inline:{sip.key()}"
        answer, hang_up = invite(link, "3002", f"{dh}\r\n{sdes}")
        assert answer.status == 200 and b"a=crypto:1 " in answer.body, answer
        assert b"key-mgmt" not in answer.body, answer
        hang_up()
    on.server.wait_no_call()


if __name__ == "__main__":
    space.enter("tcpdump")
    cases.main()
