"""linphonec (Linphone 5, console), driven by its standard input. It plays a tone from a file and records
what it hears; the recording gets its head when it has ended. Its media encryption is a setting: none, srtp
(SDES), dtls, zrtp. Its TLS (mbedTLS) takes no address in a certificate for a name, so it checks the chain
alone."""
import itertools
import os
import re
import subprocess
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
root_ca={ca}
verify_server_certs=1
verify_server_cn=0
bind_address={host}
media_encryption={keying}
media_encryption_mandatory={mandatory}
use_ipv6=0
default_proxy=0
guess_hostname=0
contact="{user}" <sip:{user}@{host}>
register_only_when_network_is_up=0
auto_net_state_mon=0
zrtp_secrets_cache={folder}/zidcache
{zrtp}
[proxy_0]
reg_proxy=<sip:{host}:{port};transport={transport}>
reg_route=<sip:{host}:{port};transport={transport}>
reg_identity=sip:{user}@{domain}
reg_expires=120
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
domain={domain}
passwd={password}
[rtp]
audio_rtp_port={rtp_port}
symmetric=1
[net]
stun_server=
nat_policy_ref={nat}
[nat_policy_0]
ref={nat}
protocols={protocols}
[sound]
use_files_rec=0
echocancellation=0
ec_state=0
local_ring={source}
[misc]
store_friends=0
uuid={uuid}
user_certificates_path={folder}/certs
[storage]
uri={folder}/l.db
[video]
enabled=0
capture=0
display=0
"""


class Linphone:
    """One phone, a context manager: registered on entry. answer: auto or manual. zrtp: lines of its
    configuration (zrtp_key_agreements_suites, zrtp_cipher_suites, zrtp_sas_suites). ice: it looks for its
    way."""

    def __init__(self, folder, server, user, *, keying="dtls", mandatory=True, answer="auto", hz=440,
                 transport="tcp", zrtp="", ice=False):
        number = next(numbers)
        self.user, self.server, self.hz, self.answer = user, server, hz, answer
        self.folder = Path(folder) / f"linphone-{number}-{user}"
        (self.folder / "share/linphone").mkdir(parents=True)  # else it keeps no ZRTP secrets
        self.source, self.record = self.folder / "source.wav", self.folder / "heard.wav"
        tone.write(self.source, hz, rate=8000)
        self.config = self.folder / "rc"
        self.rtp_port = 34000 + 10 * number
        ports = {kind: -1 for kind in ("udp", "tcp", "tls")}
        ports[transport] = 15300 + 2 * number
        self.config.write_text(CONFIG.format(
            host=server.host, port=PORTS[transport], transport=transport, keying=keying,
            ca=server.ca, zrtp=zrtp, nat="way" if ice else "",
            protocols="ice" if ice else "", **ports, mandatory=int(mandatory), user=user, domain=DOMAIN, password=PASSWORD, folder=self.folder,
            source=self.source, rtp_port=self.rtp_port,
            uuid=f"00000000-0000-4000-8000-{number:012d}"), encoding="utf-8")
        self.process = self.out = None
        self.mark = 0

    def start(self):
        command = ["stdbuf", "-oL", "linphonec", "-S", "-c", self.config, "-d", "6", "-l",
                   self.folder / "log"]
        if self.answer == "auto":
            command.append("-a")
        mark = self.server.log.mark()
        env = dict(os.environ, HOME=str(self.folder), XDG_DATA_HOME=str(self.folder / "share"))
        self.process = subprocess.Popen(command, text=True, errors="replace", env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.out = waits.Lines(f"linphone {self.user}", self.process.stdout, self.folder / "out")
        self.server.log.wait_line(rf"registered user={self.user}@", mark)
        self.command("soundcard use files")
        self.command(f"play {self.source}")
        self.command(f"record {self.record}")
        return self

    def command(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def call(self, target):
        self.command(f"call sip:{target}@{DOMAIN}")

    def hang_up(self):
        self.command("terminate")

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process and self.process.poll() is None:
                self.process.kill()
            raise

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.command("quit")
        try:
            self.process.wait(waits.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    # --- what it hears ---

    def heard(self):
        """(samples, rate), after the call: its recorder writes the head last."""
        if not self.record.exists():
            return tone.array("h"), 8000
        return tone.read(self.record)

    def wait_tone(self, hz, seconds=1.0):
        def probe():
            samples, rate = self.heard()
            return len(samples) > seconds * rate and tone.seconds_of(samples, rate, hz) >= seconds
        try:
            waits.until("", probe)
        except waits.TooLate:
            samples, rate = self.heard()
            heard = tone.describe(samples, rate, hz, 440, 1000)
            raise waits.TooLate(f"linphone {self.user} does not hear {hz} Hz: {heard}") from None

    def check_heard(self, hz, seconds=1.0):
        """At the end of the call."""
        self.wait_tone(hz, seconds)
    def wait_hears(self, hz):
        """While it still records: then the head is empty, and the rate is one of two."""
        def probe():
            data = self.record.read_bytes()[44:] if self.record.exists() else b""
            samples = array("h", data[:len(data) // 2 * 2])
            return any(len(samples) > rate and tone.share(samples[-rate:], rate, hz) > tone.PURE
                       for rate in RATES)
        waits.until(f"{hz} Hz at linphone {self.user}", probe)

    # --- ZRTP ---

    def forget(self):
        """What was said and heard so far."""
        self.mark = self.out.mark()
        self.record.unlink(missing_ok=True)
        self.command(f"record {self.record}")

    def sas(self):
        """As it shows it to its user."""
        _, line = self.out.wait("its SAS", lambda said: "auth token is" in said, self.mark)
        return re.search(r"token is\s+(\S+?)\.?(\s|$)", line).group(1)
