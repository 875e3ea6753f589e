"""baresip, driven by its ctrl_tcp module: commands and events as JSON in netstrings. It plays a tone from
a file and records what it hears, until the first hold: version 1.0.0's recorder ends there, also between
two baresips without a server. What it is sent later is opened from a capture (srtp.py)."""
import itertools
import json
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from . import space, tone, waits
from .server import DOMAIN, PASSWORD, PORTS

MODULE_FOLDERS = ("/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules",
                  "/usr/lib/x86_64-linux-gnu/baresip/modules")
numbers = itertools.count()

CONFIG = """\
poll_method epoll
sip_listen {host}:{sip_port}
sip_cafile {ca}
sip_trans_def {transport}
sip_verify_server yes
call_local_timeout 120
call_max_calls 4
audio_path /usr/share/baresip
audio_player aubridge,sink
audio_source aufile,{source}
audio_alert aufile,/dev/null
audio_srate 48000
ausrc_srate 16000
auplay_srate 16000
ausrc_channels 1
auplay_channels 1
audio_level no
rtp_ports {rtp_first}-{rtp_last}
rtcp_mux {mux}
jitter_buffer_delay 5-10
module_path {modules}
{codec_modules}
module aufile.so
module aubridge.so
module sndfile.so
snd_path {folder}
module srtp.so
module dtls_srtp.so
module ice.so
module uuid.so
module_app account.so
module_app menu.so
module_app contact.so
module_app debug_cmd.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{ctrl_port}
"""


CODECS = {"opus": ("opus", "opus/48000/2"), "G722": ("g722", "G722/16000/1"),
          "PCMU": ("g711", "PCMU/8000/1"), "PCMA": ("g711", "PCMA/8000/1")}  # module, account's name


def module_folder():
    for name in MODULE_FOLDERS:
        if (Path(name) / "ctrl_tcp.so").exists():
            return name
    return space.skip("baresip's modules not found")


class Baresip:
    """One phone, a context manager: registered on entry unless `register` is off.

    keying: none, srtp, srtp-mand, srtp-mandf, dtls_srtp. answer: auto, manual. codecs: of CODECS, in
    the phone's order. ice: it looks for its way; mux: it offers RTCP on RTP's port."""

    def __init__(self, folder, server, user, *, transport="tls", keying="srtp-mand", answer="auto",
                 hz=440, register=True, codecs=("PCMU", "PCMA"), ice=False, mux=False):
        number = next(numbers)
        self.user, self.server, self.transport, self.hz = user, server, transport, hz
        self.register = register
        self.folder = Path(folder) / f"baresip-{number}-{user}"
        self.folder.mkdir()
        self.ctrl_port = 14440 + number
        source = self.folder / "source.wav"
        tone.write(source, hz)
        rtp = 32000 + 200 * number
        self.rtp_ports = range(rtp, rtp + 200)
        self.write("config", CONFIG.format(
            host=server.host, sip_port=15100 + 2 * number, ca=server.ca, transport=transport,
            source=source, mux="yes" if mux else "no", folder=self.folder,
            modules=module_folder(), ctrl_port=self.ctrl_port, rtp_first=rtp, rtp_last=rtp + 198,
            codec_modules="\n".join(f"module {CODECS[c][0]}.so" for c in
                                    {CODECS[c][0]: c for c in codecs}.values())))
        proxy = f"sip:{server.host}:{PORTS[transport]};transport={transport}"
        menc = "" if keying == "none" else f";mediaenc={keying}"
        if ice:
            menc += ";medianat=ice"
        self.write("accounts", f'<sip:{user}@{DOMAIN};transport={transport}>;outbound="{proxy}";'
                   f'auth_pass={PASSWORD};regint={60 if register else 0};answermode={answer}'
                   f'{menc};audio_codecs={",".join(CODECS[c][1] for c in codecs)}\n')
        self.write("contacts", "")
        self.events = waits.News(f"baresip {user}")
        self.replies = waits.News(f"baresip {user}'s replies")
        self.process = self.log = self.link = None
        self.tokens = itertools.count()

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    # --- life ---

    def start(self):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", shutil.which("baresip"), "-f", self.folder, "-v", "-s"], text=True, errors="replace",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log = waits.Lines(f"baresip {self.user}'s log", self.process.stdout,
                               self.folder / "log")
        self.link = waits.until("baresip's control port", self.connect)
        threading.Thread(target=self.read, daemon=True).start()
        if self.register:
            # It may have registered before anyone could listen to its events.
            self.log.wait_line(r"200 OK.*\[\d+ bindings?\]")
        return self

    def connect(self):
        assert self.process.poll() is None, f"baresip has ended:\n{self.log.text()}"
        try:
            return socket.create_connection(("127.0.0.1", self.ctrl_port), 1)
        except OSError:
            return None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(waits.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.link.close()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process and self.process.poll() is None:
                self.process.kill()
            raise

    def __exit__(self, *_):
        self.stop()

    # --- control ---

    def read(self):
        self.link.settimeout(None)
        data = b""
        while True:
            try:
                got = self.link.recv(65536)
            except OSError:
                got = b""
            if not got:
                break
            data += got
            while True:
                head, colon, rest = data.partition(b":")
                if not colon or len(rest) <= int(head):
                    break
                message, data = json.loads(rest[:int(head)]), rest[int(head) + 1:]
                (self.events if message.get("event") else self.replies).add(message)
        self.events.end()
        self.replies.end()

    def command(self, name, params=""):
        token = str(next(self.tokens))
        text = json.dumps({"command": name, "params": params, "token": token}).encode()
        self.link.sendall(b"%d:%s," % (len(text), text))
        _, reply = self.replies.wait(f"the reply to {name}", lambda m: m.get("token") == token)
        assert reply.get("ok"), f"baresip {self.user}: {name} {params}: {reply}"
        return reply.get("data", "")

    def wait(self, kind, after=0, seconds=waits.PATIENCE):
        """The event of this type behind the mark."""
        return self.events.wait(f"event {kind}", lambda m: m.get("type") == kind, after, seconds)[1]

    def mark(self):
        return self.events.mark()

    def dial(self, target):
        """Returns a mark from before the call."""
        mark = self.mark()
        self.command("dial", f"sip:{target}@{DOMAIN}")
        return mark

    def call(self, target):
        mark = self.dial(target)
        self.wait("CALL_ESTABLISHED", mark)
        return mark

    def hang_up(self):
        mark = self.mark()
        self.command("hangup")
        return mark

    def wait_closed(self, after=0):
        """Why, in baresip's words."""
        return self.wait("CALL_CLOSED", after).get("param", "")

    # --- what it hears ---

    def sent_to(self, packets):
        """RTP that the server sends to it."""
        return [p for p in packets if p.dport in self.rtp_ports and p.sport not in self.rtp_ports]

    def recordings(self):
        return sorted(self.folder.glob("*-dec.wav"), key=lambda p: (p.stat().st_mtime, p.name))

    def sizes(self):
        """A mark in the recordings: what is heard later lies behind it."""
        return {path: path.stat().st_size for path in self.recordings()}

    def heard(self, since=None):
        """(samples, rate) of what is behind the mark, one recording after the other."""
        samples, rate = tone.array("h"), tone.RATE
        for path in self.recordings():
            got, rate = tone.read(path)
            skip = max(0, (since or {}).get(path, 0) - 44) // 2
            samples.extend(got[skip:])
        return samples, rate

    def wait_tone(self, hz, seconds=1.0, since=None):
        """Until the tone has been heard for so long behind the mark."""
        enough = 0  # samples, before it is worth another look

        def probe():
            nonlocal enough
            samples, rate = self.heard(since)
            if len(samples) < max(enough, seconds * rate):
                return False
            enough = len(samples) + rate // 5
            return tone.seconds_of(samples, rate, hz) >= seconds
        try:
            waits.until("", probe)
        except waits.TooLate:
            samples, rate = self.heard(since)
            heard = tone.describe(samples, rate, hz, 440, 1000)
            raise waits.TooLate(f"baresip {self.user} does not hear {hz} Hz: {heard}") from None

    def check_heard(self, hz, seconds=1.0):
        """At the end of the call."""
        self.wait_closed()
        self.wait_tone(hz, seconds)
