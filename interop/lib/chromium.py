"""Chromium, headless, as the media end of a call: a page of ours does what a script asks of its
RTCPeerConnection. How the descriptions travel is the script's affair."""
import http.server
import json
import math
import queue
import struct
import subprocess
import threading
import wave

from . import waits

PAGE = """<!doctype html><audio id=a autoplay></audio><script>
let pc, heard;
const ops = {
  async open(o) {
    pc = new RTCPeerConnection({iceServers: [], rtcpMuxPolicy: 'require', ...o.config});
    pc.ontrack = e => { if (e.track.kind == 'audio') {
      heard = new MediaStream([e.track]); document.getElementById('a').srcObject = heard; } };
    const s = await navigator.mediaDevices.getUserMedia({audio: true, video: !!o.video});
    s.getTracks().forEach(t => pc.addTrack(t, s));
  },
  gathered() {
    return new Promise(r => { const look = () => pc.iceGatheringState == 'complete' && r();
      pc.onicegatheringstatechange = look; look(); });
  },
  async offer(o) {
    await pc.setLocalDescription(await pc.createOffer(o));
    await ops.gathered();
    return pc.localDescription.sdp;
  },
  async answer(o) {
    await pc.setRemoteDescription({type: 'offer', sdp: o.sdp});
    await pc.setLocalDescription(await pc.createAnswer());
    await ops.gathered();
    return pc.localDescription.sdp;
  },
  async accept(o) { await pc.setRemoteDescription({type: 'answer', sdp: o.sdp}); },
  async stats() {
    const all = []; (await pc.getStats()).forEach(r => all.push(r));
    return {state: pc.connectionState, all};
  },
  async tone(o) {
    const ac = new AudioContext(), an = ac.createAnalyser(); await ac.resume(); an.fftSize = 16384;
    ac.createMediaStreamSource(heard).connect(an);
    await new Promise(r => setTimeout(r, o.ms));
    const f = new Float32Array(an.frequencyBinCount); an.getFloatFrequencyData(f);
    let m = 1; for (let i = 1; i < f.length; i++) if (f[i] > f[m]) m = i;
    const hz = m * ac.sampleRate / an.fftSize; await ac.close(); return {hz, db: f[m]};
  },
  async close() { pc.close(); },
};
(async () => { for (;;) {
  const o = await (await fetch('/next')).json();
  let body; try { body = {ok: await ops[o.op](o) ?? null}; } catch (e) { body = {error: String(e)}; }
  await fetch('/done', {method: 'POST', body: JSON.stringify(body)});
} })();
</script>"""

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
         "--autoplay-policy=no-user-gesture-required", "--no-first-run"]


def tone_file(path, hz, seconds=10, rate=48000):
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, rate, 0, "NONE", ""))
        w.writeframes(b"".join(struct.pack("<h", int(12000 * math.sin(2 * math.pi * hz * n / rate)))
                               for n in range(rate * seconds)))
    return path


class Browser:
    """One browser with one page; a context manager. `mdns`: local addresses are hidden behind names, as
    they are for people."""

    def __init__(self, folder, name, *, hz=440, mdns=False):
        self.folder = folder / name
        self.folder.mkdir()
        self.flags = [f"--user-data-dir={self.folder / 'profile'}",
                      f"--use-file-for-fake-audio-capture={tone_file(self.folder / 'tone.wav', hz)}"]
        if not mdns:
            self.flags.append("--disable-features=WebRtcHideLocalIpsWithMdns")
        self.todo, self.done = queue.Queue(), queue.Queue()
        self.process = None

    def handler(self):
        browser = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def say(self, body, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):  # pylint: disable=invalid-name
                if self.path == "/next":
                    self.say(json.dumps(browser.todo.get()).encode(), "application/json")
                else:
                    self.say(PAGE.encode(), "text/html")

            def do_POST(self):  # pylint: disable=invalid-name
                browser.done.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.say(b"{}", "application/json")

            def log_message(self, *_):
                pass

        return Handler

    def __enter__(self):
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.web.daemon_threads = True
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["chromium", *FLAGS, *self.flags, f"http://127.0.0.1:{self.web.server_port}/"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.kill()  # asked to leave, it takes its time
        self.process.wait()
        self.web.shutdown()

    def ask(self, op, seconds=4 * waits.PATIENCE, **how):
        self.todo.put({"op": op, **how})
        try:
            said = self.done.get(timeout=seconds)
        except queue.Empty:
            raise waits.TooLate(f"chromium: no answer to {op} in {seconds} s") from None
        assert "error" not in said, f"chromium: {op}: {said['error']}"
        return said["ok"]

    def stats(self, kind):
        """All records of a type of getStats()."""
        return [r for r in self.ask("stats")["all"] if r["type"] == kind]

    def wait_connected(self):
        """The transport, once DTLS is done."""
        def probe():
            found = self.stats("transport")
            return found[0] if found and found[0]["dtlsState"] == "connected" else None
        return waits.until("chromium's transport to be connected", probe, 2 * waits.PATIENCE)

    def wait_heard(self, kind="audio", packets=50):
        """The incoming stream of a kind, once so many packets have come."""
        def probe():
            found = [r for r in self.stats("inbound-rtp") if r["kind"] == kind]
            return found[0] if found and found[0]["packetsReceived"] >= packets else None
        return waits.until(f"{packets} packets of {kind} in chromium", probe, 2 * waits.PATIENCE)
