"""Clean up even when we are killed: a tiny shell that waits for our end.

It holds the reading end of a pipe. When we go without saying so (SIGKILL, a crash), the pipe
closes, and the shell ends the process group that was running and removes the scratch folder.
"""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

_WATCH = """
group=
while read -r word; do
    case $word in
        done) exit 0 ;;
        *) group=$word ;;
    esac
done
if [ "${group:-0}" -gt 1 ]; then
    kill -TERM "-$group" && sleep 1 && kill -KILL "-$group"
fi
rm -rf -- "$1"
"""


class Guard:
    """While it is entered, `scratch` and the last group told to `watch` do not outlive us."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def __enter__(self) -> Self:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(self._scratch)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        return self

    def watch(self, group: int) -> None:
        """Name the process group that runs now; 0 when there is none."""
        self._tell(str(group))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._tell("done")
        self._shell.communicate()

    def _tell(self, word: str) -> None:
        if self._shell.stdin is not None and self._shell.poll() is None:
            self._shell.stdin.write(f"{word}\n".encode())
            self._shell.stdin.flush()
