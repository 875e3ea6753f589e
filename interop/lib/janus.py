"""Janus with its SIP plugin: a gateway that is a SIP phone over UDP towards the server, whose microphone
and ear is a page in Chromium, by WebRTC. Towards the server it knows SDES or nothing."""
import itertools
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import browser, space, waits
from .server import DOMAIN, PASSWORD, PORTS

PARTS = ("/usr/lib", "/usr/local/lib")  # somewhere below: janus/plugins, janus/transports
numbers = itertools.count()

CONFIG = """\
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    debug_level = 5
    debug_colors = false
    session_timeout = 60
}}
media: {{ rtp_port_range = "{web_first}-{web_last}" }}
nat: {{ ice_enforce_list = "{host}" }}
"""
SIP = """\
general: {{
    local_ip = "{host}"
    behind_nat = false
    register_ttl = 600
    rtp_port_range = "{rtp_first}-{rtp_last}"
}}
"""
SOCKETS = """\
general: {{
    json = "compact"
    ws = true
    ws_port = {port}
    ws_ip = "127.0.0.1"
    wss = false
}}
admin: {{ admin_ws = false }}
"""


def part(name):
    """A loadable part of it: libjanus_sip and the like."""
    for root in PARTS:
        found = sorted(Path(root).glob(f"**/janus/{name}.so*"))
        if found:
            return found[0]
    return space.skip(f"Janus's {name} not found")


class Janus:
    """One gateway, a context manager; any number of phones."""

    def __init__(self, folder, host=space.HOST):
        number = next(numbers)
        self.folder = Path(tempfile.mkdtemp(prefix=f"janus-{number}-", dir=folder))
        self.port = 15500 + number
        rtp, web = 36000 + 400 * number, 36200 + 400 * number
        self.rtp_ports = range(rtp, rtp + 200)  # towards the server
        self.host = host
        values = {"folder": self.folder, "host": host, "port": self.port, "rtp_first": rtp,
                  "rtp_last": rtp + 199, "web_first": web, "web_last": web + 199}
        for name, text in (("janus", CONFIG), ("janus.plugin.sip", SIP),
                           ("janus.transport.websockets", SOCKETS)):
            (self.folder / f"{name}.jcfg").write_text(text.format(**values), encoding="utf-8")
        for name in ("plugins/libjanus_sip", "transports/libjanus_websockets"):
            link = self.folder / f"{name}.so"
            link.parent.mkdir()
            link.symlink_to(part(name))
        self.process = self.log = None

    def __enter__(self):
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", shutil.which("janus"), "-F", self.folder, "-C",
             self.folder / "janus.jcfg", "-o"], text=True, errors="replace", cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log = waits.Lines("janus", self.process.stdout, self.folder / "log")
        self.log.wait_line("WebSockets thread started")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(waits.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def between(self, packets):
        """Those of a capture that went between it and the server, either way."""
        return [p for p in packets if (p.sport in self.rtp_ports) != (p.dport in self.rtp_ports)]


class Phone(browser.Ears):
    """One user at the gateway, a context manager: registered on entry. srtp: sdes_mandatory,
    sdes_optional, or "" for none; profile: the suite that it offers, or its default;
    codec: the only one that the page offers."""
    rig = "janus"

    def __init__(self, stage, gateway, user, *, hz=440, answer=True, srtp="sdes_mandatory",
                 profile="", codec="PCMU"):
        self.user, self.server, self.gateway = user, stage.server, gateway
        self.how = (answer, srtp, profile, codec)
        self.chromium = stage.chromium(hz)
        self.page = None

    def __enter__(self):
        # A local origin, for the microphone; the gateway asks for none in particular.
        base = "http://localhost/janus/"
        self.page = self.chromium.page(f"{base}page.html", files=browser.files(base, "janus"))
        account = {"ws": f"ws://127.0.0.1:{self.gateway.port}",
                   "proxy": f"sip:{self.server.host}:{PORTS['udp']}",
                   "uri": f"sip:{self.user}@{DOMAIN}", "password": PASSWORD}
        self.run(f"janus.start({json.dumps(account)}, {', '.join(map(json.dumps, self.how))})")
        self.wait("REGISTERED")
        return self

    def __exit__(self, kind, *_):
        if not kind:
            mark = self.mark()
            self.run("janus.request('unregister')")
            self.wait("UNREGISTERED", mark)
        self.page.close()

    # --- calls ---

    def dial(self, target):
        mark = self.mark()
        self.run(f"janus.dial({json.dumps(f'sip:{target}@{DOMAIN}')})")
        return mark

    def call(self, target):
        mark = self.dial(target)
        self.wait("ACCEPTED", mark)
        return mark

    def hang_up(self):
        mark = self.mark()
        self.run("janus.request('hangup')")
        return mark

    def wait_ended(self, after=0):
        return self.wait("HANGUP", after)
