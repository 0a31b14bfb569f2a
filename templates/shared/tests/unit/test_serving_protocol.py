"""What is written in one turn of the loop leaves together, in its order, and not too late."""

import asyncio

from portfolio_project.serving.protocol import OneWrite


class Wire:
    """A transport that remembers what was done to it."""

    def __init__(self) -> None:
        self.done: list[bytes | str] = []

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("close")


def test_writes_of_one_turn_are_one_write():
    async def main():
        wire = Wire()
        joined = OneWrite(wire, asyncio.get_running_loop())
        joined.write(b"head ")
        joined.write(b"body")
        assert wire.done == []
        await asyncio.sleep(0)
        joined.write(b"next")
        await asyncio.sleep(0)
        return wire.done

    assert asyncio.run(main()) == [b"head body", b"next"]


def test_what_is_large_is_not_held_back():
    async def main():
        wire = Wire()
        joined = OneWrite(wire, asyncio.get_running_loop())
        joined.write(b"head ")
        joined.write(b"x" * 70_000)
        at_once = list(wire.done)
        await asyncio.sleep(0)
        return at_once, wire.done

    at_once, later = asyncio.run(main())
    assert at_once == later == [b"head " + b"x" * 70_000]


def test_what_was_written_goes_out_before_the_end():
    async def main():
        wire = Wire()
        joined = OneWrite(wire, asyncio.get_running_loop())
        joined.write(b"last words")
        joined.close()
        await asyncio.sleep(0)
        return wire.done

    assert asyncio.run(main()) == [b"last words", "close"]
