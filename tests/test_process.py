"""Programs that we start: what they say, and that none outlives us."""

import signal
import subprocess
import sys
import textwrap

import pytest
from living import alive, read_pids

from scaffold.process import Watch, run

STUBBORN = "trap '' TERM; sleep 300 & echo $! > {pids}; echo $$ >> {pids}; wait; sleep 300"


def test_output_and_status_come_back():
    done = run(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert not done.ok
    assert done.complaint == "err"


def test_a_program_has_no_terminal_and_no_input():
    done = run(["sh", "-c", "cat; (: < /dev/tty) 2>/dev/null && echo a terminal"])
    assert done.stdout == ""


def test_a_time_limit_ends_the_whole_group(tmp_path):
    pids = tmp_path / "pids"
    done = run(["sh", "-c", STUBBORN.format(pids=pids)], timeout=0.5)
    assert done.timed_out
    assert not done.ok
    assert not any(alive(pid) for pid in read_pids(pids))


def test_what_a_program_leaves_in_the_background_ends_with_it(tmp_path):
    done = run(["sh", "-c", f"sleep 300 & echo $! > {tmp_path}/pid"], timeout=30)
    assert done.ok
    assert done.seconds < 10
    assert not alive(int((tmp_path / "pid").read_text()))


def test_an_error_while_watching_ends_the_group(tmp_path):
    pids = tmp_path / "pids"

    def fail(seconds):
        if seconds > 0.5:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run(
            ["sh", "-c", STUBBORN.format(pids=pids)],
            watch=Watch(tmp_path / "log", lambda _: None, fail),
        )
    assert not any(alive(pid) for pid in read_pids(pids))


def test_watching_follows_the_log(tmp_path):
    seen = []
    log = tmp_path / "log"
    command = ["sh", "-c", "echo first; sleep 0.4; echo second >&2"]
    done = run(command, watch=Watch(log, seen.append, lambda _: seen.append(log.read_text())))
    assert done.ok
    assert isinstance(seen[0], int)
    assert "first\n" in seen
    assert log.read_text() == "first\nsecond\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_command_ends_what_it_started(tmp_path, number):
    pids = tmp_path / "pids"
    program = textwrap.dedent(f"""
        from scaffold import cli
        from scaffold.process import run
        cli._raise_on_signals()
        run(["sh", "-c", {STUBBORN.format(pids=pids)!r}])
    """)
    command = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    started = read_pids(pids)
    command.send_signal(number)
    assert command.wait(timeout=30) != 0
    assert not any(alive(pid) for pid in started)


def test_a_program_that_is_not_there_is_an_error_of_the_system():
    with pytest.raises(FileNotFoundError):
        run(["no-such-program-anywhere"])
