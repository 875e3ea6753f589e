"""What most scripts need: a folder, a server with users, phones."""
from contextlib import contextmanager

from . import space
from .baresip import Baresip
from .browser import Browser
from .capture import Capture
from .devtools import Chromium, key_of
from .linphone import Linphone
from .phone import Phone
from .server import Server
from .sipp import Sipp

LOG_TAIL = 60


class Stage:
    def __init__(self, folder, server):
        self.folder, self.server = folder, server
        self.calls_made = 0
        self.chromiums = {}

    def baresip(self, user, **how):
        return Baresip(self.folder, self.server, user, **how)

    def browser(self, user, **how):
        return Browser(self, user, **how)

    def linphone(self, user, **how):
        return Linphone(self.folder, self.server, user, **how)

    def chromium(self, hz):
        """Running; starting one takes longer than many a test."""
        if hz not in self.chromiums:
            made = Chromium(self.folder, f"{hz}", hz=hz, trust=key_of(self.server.certificate))
            self.chromiums[hz] = made.start()
        return self.chromiums[hz]

    def close(self):
        for browser in self.chromiums.values():
            browser.stop()

    def sipp(self, scenario, **how):
        return Sipp(self.folder, self.server, scenario, **how)

    def phone(self, user, *options, **how):
        return Phone(self.server, user, *options, **how)

    def capture(self, name):
        return Capture(self.folder, name)

    def explain(self):
        """After a failure: what the server had to say."""
        print("--- end of the server's log")
        print("\n".join(self.server.log.since()[-LOG_TAIL:]))


def opener(users, **how):
    """A function that opens a stage. users: {name: policy}; the rest is the server's"""
    @contextmanager
    def stage():
        folder = space.folder()
        with Server(folder, **how) as server:
            for name, policy in users.items():
                server.add_user(name, **policy)
            on = Stage(folder, server)
            try:
                yield on
            finally:
                on.close()
    return stage
