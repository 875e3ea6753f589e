"""Waiting with a deadline."""
import re
import threading
import time

LOOK_EVERY = 0.02  # seconds between two looks where nothing tells of news
PATIENCE = 15  # seconds for anything that must happen, on a machine that is busy


class TooLate(AssertionError):
    pass


def until(what, probe, seconds=PATIENCE):
    """The first true value of probe()."""
    end = time.monotonic() + seconds
    while True:
        got = probe()
        if got:
            return got
        if time.monotonic() > end:
            raise TooLate(f"waited {seconds} s for {what}")
        time.sleep(LOOK_EVERY)


class News:
    """Things that arrive one by one from a thread; others wait for the one that fits."""

    def __init__(self, name):
        self.name = name
        self.items = []  # (monotonic time, item)
        self.ended = False
        self.changed = threading.Condition()

    def add(self, item):
        with self.changed:
            self.items.append((time.monotonic(), item))
            self.changed.notify_all()

    def end(self):
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def mark(self):
        """The place behind the last item: what comes later is news."""
        with self.changed:
            return len(self.items)

    def since(self, mark=0):
        with self.changed:
            return [item for _, item in self.items[mark:]]

    def wait(self, what, fits, after=0, seconds=PATIENCE):
        """(time, item) of the first item behind `after` that fits."""
        end = time.monotonic() + seconds
        at = after
        with self.changed:
            while True:
                while at < len(self.items):
                    when, item = self.items[at]
                    at += 1
                    if fits(item):
                        return when, item
                left = end - time.monotonic()
                if self.ended or left <= 0:
                    why = "it ended before" if self.ended else f"not within {seconds} s"
                    last = "\n".join(f"    {i}" for _, i in self.items[-25:])
                    raise TooLate(f"{self.name}: {what}: {why}; its last news:\n{last}")
                self.changed.wait(left)


class Lines(News):
    """The lines of a stream, read by a thread of its own, kept in a file as well."""

    def __init__(self, name, stream, copy_to=None):
        super().__init__(name)
        self.stream = stream
        self.copy = open(copy_to, "w", encoding="utf-8") if copy_to else None
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.stream:
            if self.copy:
                self.copy.write(line)
                self.copy.flush()
            self.add(line.rstrip("\r\n"))
        self.end()
        if self.copy:
            self.copy.close()

    def wait_line(self, pattern, after=0, seconds=PATIENCE):
        """(time, match) of the first line behind `after` in which the pattern is found."""
        when, line = self.wait(f"a line like {pattern!r}", lambda s: re.search(pattern, s), after,
                               seconds)
        return when, re.search(pattern, line)

    def text(self, mark=0):
        return "\n".join(self.since(mark))
