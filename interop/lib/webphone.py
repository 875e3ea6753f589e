"""sotto's own page as a phone, used as people use it: by what is seen on it, mouse and keyboard."""
import json

from . import waits
from .server import PASSWORD

NARROW = 360
TOUCH = 44  # pixels: the least that a finger finds
# Names that a screen reader reads, of all that can be pressed or filled in.
NAMELESS = ("button", "link", "textbox", "combobox", "checkbox", "searchbox")

# The tone shall arrive as it is: what cleans speech takes a tone for noise. And the browser alone knows
# when it has sent the last digit.
PREPARED = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => open({...wanted, audio: wanted.audio && {
  ...wanted.audio, echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
const insert = RTCDTMFSender.prototype.insertDTMF;
RTCDTMFSender.prototype.insertDTMF = function (...tones) {
  window.digitsOut = false;
  this.ontonechange = (e) => { window.digitsOut = e.tone === ''; };
  insert.apply(this, tones);
};
"""

# How much of what the page plays is the tone, for a second: the share of loud blocks in which it is.
HEARS = """(async (hz) => {
  const context = new AudioContext(), analyser = context.createAnalyser();
  await context.resume();
  analyser.fftSize = 4096;
  context.createMediaStreamSource(document.querySelector('audio').srcObject).connect(analyser);
  const samples = new Float32Array(4096), k = 2 * Math.cos(2 * Math.PI * hz / context.sampleRate);
  let good = 0;
  for (let i = 0; i < 10; i += 1) {
    await new Promise((done) => setTimeout(done, 100));
    analyser.getFloatTimeDomainData(samples);
    let s1 = 0, s2 = 0, energy = 0;
    for (const v of samples) { [s1, s2] = [v + k * s1 - s2, s1]; energy += v * v; }
    const share = 2 * (s1 * s1 + s2 * s2 - k * s1 * s2) / (4096 * energy);
    if (energy / 4096 > 1e-5 && share > 0.7) good += 1;
  }
  await context.close();
  return good / 10;
})"""


class WebPhone:
    """A context manager: logged in on entry, unless `user` is empty."""

    def __init__(self, stage, user, *, hz=440, password=PASSWORD, remember=False):
        self.user, self.server = user, stage.server
        self.password, self.remember = password, remember
        self.chromium = stage.chromium(hz)
        self.page = None

    def __enter__(self):
        self.page = self.chromium.page(f"https://{self.server.web}/", script=PREPARED)
        self.page.until("the login form", "!!document.querySelector('form')")
        if self.user:
            self.login(self.user, self.password, self.remember)
            self.wait_state("Ready")
        return self

    def __exit__(self, kind, *_):
        if kind:
            print(f"--- the page of {self.user or 'nobody'}\n{self.text()}")
        self.page.run("localStorage.clear()")
        self.page.close()

    def login(self, user, password, remember=False):
        self.page.until("the server to be known", "!document.querySelector('button[type=submit]').disabled")
        self.fill("input[name=number]", user)
        self.fill("input[name=password]", password)
        if remember:
            self.page.click("input[type=checkbox]")
        self.page.click("button[type=submit]")

    def fill(self, selector, text):
        self.page.click(selector)
        self.page.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.page.type(text)

    # --- what is seen ---

    def text(self, selector="body"):
        return self.page.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def wait_text(self, selector, words, seconds=waits.PATIENCE):
        """Until the words can be read there; all that can be read there."""
        def probe():
            text = self.text(selector)
            return text if words.lower() in text.lower() else None
        try:
            return waits.until("", probe, seconds)
        except waits.TooLate:
            news = "\n".join(f"    {n}" for n in self.page.news.since()[-10:])
            raise waits.TooLate(f"the page does not say {words!r} in {selector}, but:\n"
                                f"{self.text()}\n{news}") from None

    def wait_state(self, words):
        return self.wait_text(".state", words)

    # --- calls ---

    def dial(self, target):
        """With the keyboard alone: the number field has the focus."""
        self.fill("#dial-number", target)
        self.page.key("Enter", number=13, text="\r")

    def press(self, words):
        """The button on which the words stand."""
        code = f"""[...document.querySelectorAll('button')].find(
            (b) => b.innerText.trim().startsWith({json.dumps(words)}))"""
        self.page.until(f"the button {words}", f"(() => {{ const b = {code}; if (!b || b.disabled) "
                        "return false; b.dataset.wanted = '1'; return true; })()")
        self.page.click("[data-wanted]")
        self.page.run("document.querySelector('[data-wanted]')?.removeAttribute('data-wanted')")

    def focus_on(self, words):
        """By Tab, as without a mouse."""
        for _ in range(40):
            if self.page.run("document.activeElement?.innerText?.trim() ?? ''").startswith(words):
                return
            self.page.key("Tab", number=9)
        raise AssertionError(f"Tab does not lead to {words!r}")

    def wait_talking(self):
        self.wait_text(".phase", "Talking")

    def wait_tone(self, hz):
        waits.until(f"{hz} Hz from the page", lambda: self.page.run(f"{HEARS}({hz})") >= 0.7)

    def wait_ended(self, words=""):
        return self.wait_text(".call-ended", words)

    def wait_lock(self, words):
        """The lock's title, and then all its lines."""
        self.wait_text(".lock summary", words)
        return self.page.run("document.querySelector('.lock').textContent")


def check_accessible(phone):
    nodes = phone.page.ask("Accessibility.getFullAXTree")["nodes"]
    used = [n for n in nodes if n.get("role", {}).get("value") in NAMELESS and not n["ignored"]]
    assert used, "nothing to press"
    bare = [n for n in used if not n.get("name", {}).get("value", "").strip()]
    assert not bare, f"without a name: {bare[:3]}"


def check_layout(phone, name):
    """Nothing sticks out at phone width, and a finger finds every button."""
    phone.page.resize(NARROW, 720)
    wide = phone.page.run("document.documentElement.scrollWidth")
    assert wide <= NARROW, f"{name}: {wide} pixels wide"
    small = phone.page.run(f"""[...document.querySelectorAll('button:not(.small), a, select')]
        .filter((e) => e.offsetParent && e.getBoundingClientRect().height < {TOUCH})
        .map((e) => e.innerText)""")
    assert not small, f"{name}: too small for a finger: {small}"
    phone.page.resize(1100, 760)


def check_faultless(phone):
    """No exception, nothing refused by the content security policy, nothing fetched from elsewhere."""
    assert not phone.page.faults(), phone.page.faults()
    others = phone.page.run("""performance.getEntriesByType('resource').map((e) => e.name)
        .filter((n) => !n.startsWith(location.origin + '/'))""")
    assert not others, f"fetched from elsewhere: {others}"
