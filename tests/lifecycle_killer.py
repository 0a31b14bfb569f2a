"""Run one scaffold command in a world of ours, and die by a signal at its Nth step.

    python lifecycle_killer.py WORLD STEP COUNT_FILE SIGNAL VERB...

A step is whatever may change a file: opening for writing, renaming, linking, removing, making a
folder, starting git. COUNT_FILE takes the number of steps of a run that reached its end.
"""

import os
import sys
from pathlib import Path

from scaffold import cli, history, template

CHANGING = {
    "os.chmod",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "shutil.rmtree",
    "subprocess.Popen",
}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killer:
    def __init__(self, step, signum):
        self.step = step
        self.signum = signum
        self.count = 0

    def __call__(self, event, args):
        if event in CHANGING or (
            event == "open" and isinstance(args[2], int) and args[2] & WRITING
        ):
            self.count += 1
            if self.count == self.step:
                os.kill(os.getpid(), self.signum)


def main(world, step, count_file, signum, *words):
    template.LIVING = Path(world) / "templates"
    template.PACKED = Path(world) / "absent"
    history.BUNDLE = Path(world) / "history.bundle"
    killer = Killer(int(step), int(signum))
    sys.dont_write_bytecode = True
    sys.addaudithook(killer)
    code = cli.main(words)
    total = killer.count
    Path(count_file).write_text(str(total))
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
