import sqlite3
import threading

import pytest
from pipeline import START

from portfolio_project.broker import Envelope, Log, Progress, arrival_clock


def some(count, at=START):
    return [Envelope(at + n, "transactions", b"%d" % n) for n in range(count)]


def test_events_come_back_in_order_behind_an_offset(tmp_path):
    log = Log(tmp_path / "log.db")
    assert log.append(some(10)) == 10
    assert [record.offset for record in log.read(0, 4)] == [1, 2, 3, 4]
    assert [record.value for record in log.read(8, 10)] == [b"8", b"9"]
    assert log.read(10, 10) == []
    assert log.end() == 10


def test_the_log_survives_being_closed(tmp_path):
    log = Log(tmp_path / "log.db")
    log.append(some(3), producer="p", progress=Progress(3, {"on-time": 3}))
    log.close()
    again = Log(tmp_path / "log.db")
    assert again.end() == 3
    assert again.progress("p") == Progress(3, {"on-time": 3})
    assert again.progress("nobody") == Progress(0, {})
    assert again.sent() == {"on-time": 3}


def test_a_batch_that_breaks_off_leaves_nothing(tmp_path):
    log = Log(tmp_path / "log.db")
    log.append(some(2))

    def broken():
        yield from some(3)
        raise RuntimeError("the sender died")

    with pytest.raises(RuntimeError, match="the sender died"):
        log.append(broken(), producer="p", progress=Progress(3, {}))
    assert log.end() == 2
    assert log.progress("p").position == 0
    assert log.append(some(1)) == 3


def test_arrival_never_runs_backwards(tmp_path):
    log = Log(tmp_path / "log.db")
    log.append([Envelope(START + 10, "transactions", b"a")])
    log.append([Envelope(START, "transactions", b"b"), Envelope(START + 11, "transactions", b"c")])
    arrivals = [record.arrived_at for record in log.read(0, 10)]
    assert arrivals == [START + 10, START + 10, START + 11]


def test_several_writers_and_a_reader_get_along(tmp_path):
    Log(tmp_path / "log.db")
    failures = []

    def write(name):
        try:
            log = Log(tmp_path / "log.db")
            for n in range(20):
                log.append([Envelope(START, "transactions", f"{name}-{n}".encode())] * 5)
        except sqlite3.Error as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    reader, seen = Log(tmp_path / "log.db"), 0
    while any(thread.is_alive() for thread in threads) or reader.end() > seen:
        for record in reader.read(seen, 7):
            assert record.offset == seen + 1
            seen = record.offset
    assert not failures
    assert seen == 200


def test_a_virtual_clock_stands_where_the_stream_stands(tmp_path):
    log = Log(tmp_path / "log.db")
    log.append([Envelope(START, "transactions", b"x")])
    assert arrival_clock(log, virtual=True)() == START
    assert arrival_clock(log, virtual=False)() > START
