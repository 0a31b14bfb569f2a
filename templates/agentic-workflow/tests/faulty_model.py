"""A server on loopback that speaks chat completions as badly as a ticket's text asks it to.

The first word of a ticket's text is its fault; with `@work` behind it the ticket is sorted as it
should be, and the fault comes when it is worked.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HANG_SECONDS = 2.5
MEGABYTE = "x" * 1_000_000


def call(tool: str, arguments: object, **more: object) -> dict[str, object]:
    """Return a whole answer that calls one tool."""
    told = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": tool, "arguments": told}
    message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{tool}", "type": "function", "function": function}],
    }
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    return {
        "id": "faulty",
        "object": "chat.completion",
        "created": 0,
        "model": "faulty",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
        "usage": usage,
        **more,
    }


TRIAGE = call("triage", {"intent": "access", "confidence": 1.0})
"""The right first answer, so that a fault may come later."""
GREEDY = {"usage": {"prompt_tokens": 10**9, "completion_tokens": 5, "total_tokens": 10**9 + 5}}
ANSWERS: dict[str, object] = {
    "error": 500,
    "busy": 429,
    "hang": HANG_SECONDS,
    "garbage": b"<html>not json",
    "half": b'{"id": "faulty", "choices": [{"index": 0, "mess',
    "empty": {**TRIAGE, "choices": []},
    "unknown_tool": call("drop_all_tables", {}),
    "no_arguments": call("grant_access", "{not json"),
    "wrong_arguments": call("grant_access", {"email": 7, "system": "moon", "role": "owner"}),
    "not_on_offer": call("issue_refund", {"order_id": "ORD-10000", "amount": "999999.00"}),
    "oversized": call("triage", {"intent": MEGABYTE, "confidence": 1.0}),
    "greedy": call("triage", {"intent": "access", "confidence": 1.0}, **GREEDY),
}
"""Fault -> a status, seconds of silence, raw bytes, or an answer."""
SILENT = ("error", "busy", "hang", "garbage", "half", "empty")
"""Those after which another model may be asked: there is no answer at all."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: Counter[str]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        first = next(m for m in body["messages"] if m["role"] == "user")
        fault, _, when = first["content"].split("\n\n", 1)[1].split()[0].partition("@")
        self.asked[f"{fault}@{when}" if when else fault] += 1
        offered = {t["function"]["name"] for t in body["tools"]}
        self._say(TRIAGE if when == "work" and "triage" in offered else ANSWERS[fault])

    def _say(self, answer: object) -> None:
        status = answer if isinstance(answer, int) else 200
        if isinstance(answer, float):
            time.sleep(answer)
            answer = TRIAGE
        said = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
        except OSError:  # whoever asked has given up
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def faulty() -> Iterator[tuple[str, Counter[str]]]:
    """Serve; yield the address that ends in /v1 and how often each ticket asked."""
    asked: Counter[str] = Counter()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
