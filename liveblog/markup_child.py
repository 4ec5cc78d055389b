"""Renders one text after the other to safe HTML, in a process that may be killed at any moment.

markup.py starts it. Of ours, it imports the rules for the text alone.
"""

import json
import signal
import sys
from contextlib import suppress
from pathlib import Path


def _serve() -> None:
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # an isolated Python looks nowhere else by itself
    from liveblog.text import render

    for stream in (sys.stdin, sys.stdout):
        stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for line in sys.stdin:
        seconds, text = json.loads(line)
        # CPU time, so that a busy machine refuses nobody. Unhandled, SIGPROF ends the process in the middle of
        # a regular expression too, and its parent can tell it from every other end.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        answer = render(text)
        signal.setitimer(signal.ITIMER_PROF, 0)  # before the answer: who has answered is not about to die
        print(json.dumps(answer), flush=True)
        line = text = answer = ""  # what has been rendered may be purged later: nothing of it is kept here


if __name__ == "__main__":
    with suppress(BrokenPipeError, KeyboardInterrupt):
        _serve()
