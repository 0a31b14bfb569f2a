"""A child process that ends when its parent does, however the parent ended.

The parent holds the other end of the child's standard input. When the parent is gone, also by
SIGKILL, the operating system closes it; the child reads the end and leaves.
"""

import os
import signal
import sys
import threading
from types import FrameType


def stop_event() -> threading.Event:
    """An event that is set when the process is asked to stop (SIGTERM, SIGINT)."""
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


def follow_parent(stop: threading.Event) -> None:
    """Set `stop` when standard input ends; leave by force if that is not heeded in 5 seconds."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # no buffer, whose lock would outlive the end
            pass
        stop.set()
        threading.Event().wait(5)
        os._exit(0)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def die_with_parent() -> None:
    """End this process as SIGTERM would, as soon as standard input ends."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):  # no buffer, whose lock would outlive the end
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
