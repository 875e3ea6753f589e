"""sotto's own page as a phone, used as people use it: by what is seen on it, mouse and keyboard."""
import json

from . import waits
from .server import PASSWORD

# The tone shall arrive as it is: what cleans speech takes a tone for noise.
RAW_MICROPHONE = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = (wanted) => open({...wanted, audio: wanted.audio && {
  ...wanted.audio, echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
"""


class WebPhone:
    """A context manager: logged in on entry, unless `user` is empty."""

    def __init__(self, stage, user, *, hz=440, password=PASSWORD, remember=False):
        self.user, self.server = user, stage.server
        self.password, self.remember = password, remember
        self.chromium = stage.chromium(hz)
        self.page = None

    def __enter__(self):
        self.page = self.chromium.page(f"https://{self.server.web}/", script=RAW_MICROPHONE)
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

    def wait_ended(self, words=""):
        return self.wait_text(".call-ended", words)

    def wait_lock(self, words):
        """The lock's title, and then all its lines."""
        self.wait_text(".lock summary", words)
        return self.page.run("document.querySelector('.lock').textContent")
