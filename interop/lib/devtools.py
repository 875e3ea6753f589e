"""Chromium without a screen, driven by the DevTools protocol over two pipes: no port, no library. Its
microphone is a file with a tone; a page says on its console what happens, and is asked for the rest."""
import base64
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

from . import tone, waits

RATE = 48000
START_SECONDS = 60  # on a machine that is busy
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--remote-debugging-pipe", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-default-apps", "--disable-extensions", "--metrics-recording-only",
    "--password-store=basic", "--mute-audio", "--hide-scrollbars", "--force-color-profile=srgb",
    # A page that nobody looks at must run like one that somebody does.
    "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    # A page that a script gives to the browser comes from nowhere; its server is at a local address.
    "--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks",
)


def key_of(certificate):
    """The hash by which Chromium knows the public key of a PEM file's first certificate."""
    public = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-pubkey"],
                            check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, check=True,
                         capture_output=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def above_4(descriptor):
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)
    os.close(descriptor)
    return moved


class Chromium:
    """One browser, a context manager. `hz`: what its microphone hears; `trust`: the key that it accepts
    from a server, whoever signed its certificate (see key_of); `flags`: more of Chromium's."""

    def __init__(self, folder, name, *, hz=440, trust="", flags=()):
        self.name = name
        self.folder = Path(folder) / f"chromium-{name}"
        self.folder.mkdir()
        self.flags = [*flags, *([f"--ignore-certificate-errors-spki-list={trust}"] if trust else [])]
        if hz:
            source = self.folder / "source.wav"
            tone.write(source, hz, seconds=10, rate=RATE)
            self.flags.append(f"--use-file-for-fake-audio-capture={source}")
        self.messages = waits.News(f"chromium {name}'s answers")
        self.pages = {}
        self.lock = threading.Lock()
        self.count = 0
        self.process = self.out = self.log = None

    def start(self):
        theirs, out = os.pipe()
        answers, write_end = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4; so ours may be neither.
        read_end, write_end = above_4(theirs), above_4(write_end)
        command = ["bash", "-c", f'exec "$@" 3<&{read_end} 4>&{write_end}', "bash",
                   shutil.which("chromium"), f"--user-data-dir={self.folder / 'profile'}",
                   *FLAGS, *self.flags, "about:blank"]
        env = dict(os.environ, HOME=str(self.folder), XDG_RUNTIME_DIR=str(self.folder))
        env.pop("DBUS_SESSION_BUS_ADDRESS", None)
        self.process = subprocess.Popen(command, env=env, pass_fds=(read_end, write_end),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        os.close(read_end)
        os.close(write_end)
        self.log = waits.Lines(f"chromium {self.name}'s log", self.process.stderr,
                               self.folder / "log")
        self.out = out
        threading.Thread(target=self.read, args=(answers,), daemon=True).start()
        self.ask("Browser.getVersion", patience=START_SECONDS)
        return self

    def stop(self):
        try:
            self.ask("Browser.close")
            self.process.wait(waits.PATIENCE)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.out)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process and self.process.poll() is None:
                self.process.kill()
            raise

    def __exit__(self, *_):
        self.stop()

    # --- the protocol: JSON texts, each ended by a zero byte ---

    def read(self, answers):
        data = b""
        while True:
            got = os.read(answers, 65536)
            if not got:
                break
            *texts, data = (data + got).split(b"\0")
            for text in texts:
                self.on_message(json.loads(text))
        os.close(answers)
        self.messages.end()
        for page in self.pages.values():
            page.news.end()

    def on_message(self, message):
        page = self.pages.get(message.get("sessionId"))
        if "id" in message:
            self.messages.add(message)
        elif page:
            page.on_event(message["method"], message["params"])

    def ask(self, method, session=None, patience=waits.PATIENCE, **params):
        with self.lock:
            self.count += 1
            number = self.count
            message = {"id": number, "method": method, "params": params}
            if session:
                message["sessionId"] = session
            os.write(self.out, json.dumps(message).encode() + b"\0")
        _, answer = self.messages.wait(f"the answer to {method}", lambda m: m["id"] == number,
                                       seconds=patience)
        assert "error" not in answer, f"chromium {self.name}: {method}: {answer['error']}"
        return answer["result"]

    def page(self, url, width=1100, height=760, files=None, script=""):
        """A new page that has been loaded. `script` runs before the page's own."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        if files:
            page.provide(files)
        if script:
            page.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        page.resize(width, height)
        page.open(url)
        return page


class Page:
    """What happens in it is in `news`: {"kind": console|error|load|..., "text": ...}."""

    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target
        self.files = {}
        self.news = waits.News(f"chromium {browser.name}'s page")

    def ask(self, method, **params):
        return self.browser.ask(method, self.session, **params)

    def on_event(self, method, params):
        if method == "Runtime.consoleAPICalled":
            words = [str(a.get("value", a.get("description", ""))) for a in params["args"]]
            self.news.add({"kind": "console", "level": params["type"], "text": " ".join(words)})
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details["text"]
            self.news.add({"kind": "error", "text": text})
        elif method == "Log.entryAdded":
            entry = params["entry"]
            self.news.add({"kind": "log", "level": entry["level"], "text": entry["text"],
                           "url": entry.get("url", "")})
        elif method == "Page.loadEventFired":
            self.news.add({"kind": "load", "text": ""})
        elif method == "Fetch.requestPaused":
            # An answer is waited for by the thread that reads answers: not this one.
            threading.Thread(target=self.serve, args=(params,), daemon=True).start()
        elif method == "Page.javascriptDialogOpening":
            self.news.add({"kind": "dialog", "text": params["message"]})
            threading.Thread(target=self.ask, args=("Page.handleJavaScriptDialog",),
                             kwargs={"accept": True}, daemon=True).start()

    def provide(self, files):
        """{url: (type, bytes)}: answers to requests that never leave the browser. Their origin is that
        of the server, as for its own pages."""
        self.files = files
        self.ask("Fetch.enable", patterns=[{"urlPattern": url} for url in files])

    def serve(self, params):
        kind, body = self.files[params["request"]["url"]]
        self.ask("Fetch.fulfillRequest", requestId=params["requestId"], responseCode=200,
                 responseHeaders=[{"name": "Content-Type", "value": kind}],
                 body=base64.b64encode(body).decode())

    def open(self, url):
        mark = self.news.mark()
        got = self.ask("Page.navigate", url=url)
        assert "errorText" not in got, f"{url}: {got['errorText']}"
        self.news.wait(f"{url} to be loaded", lambda n: n["kind"] == "load", mark)

    def run(self, code):
        """The value of a piece of JavaScript; promises are waited for."""
        got = self.ask("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True,
                       userGesture=True)
        if "exceptionDetails" in got:
            details = got["exceptionDetails"]
            what = details.get("exception", {}).get("description") or details["text"]
            raise AssertionError(f"{self.news.name}: {code[:200]}: {what}")
        return got["result"].get("value")

    def wait_console(self, pattern, after=0, seconds=waits.PATIENCE):
        """The text of the first console line behind the mark that begins so."""
        _, item = self.news.wait(f"a console line {pattern!r}", lambda n: n["kind"] == "console"
                                 and n["text"].startswith(pattern), after, seconds)
        return item["text"]

    def until(self, what, code, seconds=waits.PATIENCE):
        """The first true value of the code."""
        try:
            return waits.until(what, lambda: self.run(code), seconds)
        except waits.TooLate as late:
            last = "\n".join(f"    {n}" for n in self.news.since()[-15:])
            raise waits.TooLate(f"{late}; the page's last news:\n{last}") from None

    def faults(self):
        """Exceptions, refusals of the content security policy, files that were not there."""
        return [n for n in self.news.since()
                if n["kind"] == "error" or (n["kind"] == "log" and n["level"] == "error")]

    def close(self):
        """Its WebSockets go with it."""
        self.browser.ask("Target.closeTarget", targetId=self.target)

    # --- as a user does ---

    def click(self, selector):
        """By mouse, where it is seen: what is covered or hidden is not clicked."""
        at = self.until(f"{selector} to be there", f"""(() => {{
            const e = document.querySelector({json.dumps(selector)});
            if (!e || e.disabled) return null;
            e.scrollIntoView({{block: 'center'}});
            const r = e.getBoundingClientRect();
            const [x, y] = [r.x + r.width / 2, r.y + r.height / 2];
            const top = document.elementFromPoint(x, y);
            return top && (e.contains(top) || top.contains(e)) ? [x, y] : null;
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=at[0], y=at[1], button="left",
                     clickCount=1)

    def type(self, text):
        """Into what has the focus."""
        self.ask("Input.insertText", text=text)

    def key(self, key, code=None, number=0, text=None):
        down = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
        if text:
            down["text"] = text
        self.ask("Input.dispatchKeyEvent", type="keyDown", **down)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=code or key,
                 windowsVirtualKeyCode=number)

    def resize(self, width, height, scale=1, dark=False):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=scale, mobile=False)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def screenshot(self, path):
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        Path(path).write_bytes(base64.b64decode(data))
