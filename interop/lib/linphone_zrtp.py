"""linphonec, driven by its standard input; what it says comes on its standard output. Sound comes from a
file and goes to one. Its TLS (mbedTLS) takes no address in a certificate for a name, so only the chain is
checked."""
import itertools
import os
import re
import subprocess
import uuid
from array import array
from pathlib import Path

from . import tone, waits
from .server import DOMAIN, PASSWORD, PORTS

numbers = itertools.count()
RATES = (8000, 48000)  # of what it records, by the codec

CONFIG = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
bind_address={host}
media_encryption={keying}
media_encryption_mandatory=1
root_ca={ca}
verify_server_certs=1
verify_server_cn=0
zrtp_secrets_cache={folder}/zidcache
{zrtp}
use_ipv6=0
default_proxy=0
guess_hostname=0
contact="{user}" <sip:{user}@{host}>
register_only_when_network_is_up=0
[auth_info_0]
username={user}
userid={user}
passwd={password}
realm={domain}
domain={domain}
[proxy_0]
reg_proxy=<sip:{host}:{port};transport={transport}>
reg_route=<sip:{host}:{port};transport={transport}>
reg_identity=sip:{user}@{domain}
reg_expires=120
reg_sendregister=1
publish=0
[rtp]
audio_rtp_port={rtp}
symmetric=1
[net]
stun_server=
nat_policy_ref=
[sound]
use_files_rec=0
echocancellation=0
local_ring={source}
ec_state=0
[misc]
store_friends=0
uuid={uuid}
user_certificates_path={folder}/certs
[storage]
uri={folder}/l.db
[audio_codec_0]
mime=PCMU
rate=8000
enabled=1
[audio_codec_1]
mime=PCMA
rate=8000
enabled=1
[video]
enabled=0
capture=0
display=0
"""


class Linphone:
    """One phone, a context manager: registered on entry. keying: srtp, zrtp, dtls. zrtp: lines for its
    configuration (zrtp_key_agreements_suites, zrtp_cipher_suites, zrtp_sas_suites ...)."""

    def __init__(self, folder, server, user, *, transport="tls", keying="zrtp", answer=True, hz=440,
                 zrtp=""):
        number = next(numbers)
        self.user, self.server, self.hz = user, server, hz
        self.answer = answer
        self.folder = Path(folder) / f"linphone-{number}-{user}"
        (self.folder / ".local/share/linphone").mkdir(parents=True)
        self.source, self.heard = self.folder / "source.wav", self.folder / "heard.wav"
        tone.write(self.source, hz, rate=8000)
        ports = {kind: -1 for kind in ("udp", "tcp", "tls")}
        ports[transport] = 15300 + 2 * number
        (self.folder / "rc").write_text(CONFIG.format(
            host=server.host, user=user, keying=keying, ca=server.ca, folder=self.folder, zrtp=zrtp,
            domain=DOMAIN, password=PASSWORD, port=PORTS[transport], transport=transport,
            rtp=24000 + 20 * number, source=self.source, uuid=uuid.uuid4(), **ports))
        self.process = self.out = None
        self.mark = 0

    def start(self):
        # Without a way to the world it believes that there is no network at all.
        subprocess.run(["ip", "route", "replace", "default", "dev", "veth0"], check=True)
        command = ["linphonec", "-S", "-c", self.folder / "rc", "-d", "6", "-l", self.folder / "log"]
        env = dict(os.environ, HOME=str(self.folder), XDG_DATA_HOME=str(self.folder / ".local/share"))
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", *command, *(["-a"] if self.answer else [])], text=True, errors="replace",
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        self.out = waits.Lines(f"linphonec {self.user}", self.process.stdout, self.folder / "out")
        waits.until(f"linphonec {self.user}'s registration",
                    lambda: "to [LinphoneRegistrationOk]" in self.logged())
        self.say("soundcard use files")
        self.say(f"play {self.source}")
        self.say(f"record {self.heard}")
        return self

    def logged(self):
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self):
        if self.process.poll() is None:
            try:
                self.say("quit")
                self.process.wait(waits.PATIENCE)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
        self.process.wait()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process and self.process.poll() is None:
                self.process.kill()
            raise

    def __exit__(self, *_):
        self.stop()

    # --- calls ---

    def call(self, target):
        self.say(f"call sip:{target}@{DOMAIN}")

    def hang_up(self):
        self.say("terminate")

    def wait_tone(self, hz, seconds=waits.PATIENCE):
        def heard():
            if not self.heard.exists():
                return None
            # While it is being written its head is empty.
            data = self.heard.read_bytes()[44:]
            samples = array("h", data[:len(data) // 2 * 2])
            return any(len(samples) > rate and tone.share(samples[-rate:], rate, hz) > tone.PURE
                       for rate in RATES)
        waits.until(f"{hz} Hz at linphonec {self.user}", heard, seconds)

    def forget(self):
        """What was said and heard so far."""
        self.mark = self.out.mark()
        self.heard.unlink(missing_ok=True)
        self.say(f"record {self.heard}")

    def sas(self):
        """As it shows it to its user."""
        _, line = self.out.wait("its SAS", lambda l: "auth token is" in l.lower()
                                or "authentication token is" in l.lower(), self.mark)
        return re.search(r"token is\s+(\S+?)\.?(\s|$)", line, re.I).group(1)
