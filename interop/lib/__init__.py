"""What the scripts of interop/ and tests/ share: a network of their own, the server, real phones that
are driven without a screen, a capture and its analysis, tones.

Python's standard library only. Waits are for events (a phone's own, lines of a log, a file that
grows) with a deadline; a bare sleep stands nowhere but between two looks.
"""
