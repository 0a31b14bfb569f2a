"""The store of idempotency keys, against a model of what it promises."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from portfolio_project.serving.idempotency_store import (
    IdempotencyStore,
    Lease,
    Refusal,
    StoredAnswer,
)

TTL = 100.0
LEASE = 10.0
KEYS = st.sampled_from([b"a", b"b"])
BODIES = st.sampled_from([b"1", b"2"])


class Promises(RuleBasedStateMachine):
    """At most one holder of a key at a time; what was answered is answered again until the TTL."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 1_000.0
        self.store = self.open()
        self.leases: list[tuple[Lease, bytes]] = []
        # key -> (request hash, answer or None, held until, expires, token)
        self.model: dict[bytes, tuple[bytes, StoredAnswer | None, float, float, str]] = {}

    def open(self) -> IdempotencyStore:
        path = Path(self.folder.name) / "keys.db"
        return IdempotencyStore(path, ttl_seconds=TTL, lease_seconds=LEASE)

    @rule(key=KEYS, body=BODIES)
    def begin(self, key, body):
        got = self.store.begin(key, body, now=self.now)
        known = self.model.get(key)
        if known and known[3] > self.now:
            asked, answer, held, _, _ = known
            if asked != body:
                assert got is Refusal.OTHER_REQUEST
                return
            if answer is not None:
                assert got == answer
                return
            if held > self.now:
                assert got is Refusal.IN_FLIGHT
                return
        assert isinstance(got, Lease)
        self.model[key] = (body, None, self.now + LEASE, self.now + TTL, got.token)
        self.leases.append((got, body))

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), status=st.integers(200, 299), body=st.binary(max_size=4))
    def finish(self, data, status, body):
        lease, asked = self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))
        answer = StoredAnswer(status, [(b"content-type", b"a/b")], body, "v1")
        known = self.model.get(lease.key)
        mine = known is not None and known[4] == lease.token
        assert self.store.finish(lease, answer, now=self.now) is mine
        if known is not None and mine:
            self.model[lease.key] = (asked, answer, *known[2:])

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def release(self, data):
        lease, _ = self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))
        self.store.release(lease)
        known = self.model.get(lease.key)
        if known is not None and known[4] == lease.token:
            del self.model[lease.key]

    @rule(seconds=st.sampled_from([1.0, LEASE, TTL]))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def restart(self):
        self.store.close()
        self.store = self.open()

    @invariant()
    def nothing_is_kept_for_ever(self):
        self.model = {k: v for k, v in self.model.items() if v[3] > self.now}

    def teardown(self):
        self.store.close()
        self.folder.cleanup()


TestPromises = Promises.TestCase
TestPromises.settings = settings(max_examples=25, stateful_step_count=15)
