"""Security and CORS headers, computed once: pages need no inline script, foreign host or frame."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from .exchange import current_exchange
from .settings import ServingSettings

_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def security_headers(settings: ServingSettings) -> tuple[tuple[bytes, bytes], ...]:
    """Return the headers that every response carries, ready for the wire."""
    headers = {
        "content-security-policy": _CONTENT_SECURITY_POLICY,
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }
    if settings.environment == "production":
        headers["strict-transport-security"] = "max-age=31536000"
    return tuple((name.encode(), value.encode()) for name, value in headers.items())


class Cors(CORSMiddleware):
    """Starlette's CORS; what an ordinary answer needs is ready for the wire beforehand.

    Starlette's own way, which copies and parses the headers of each answer, costs as much as
    logging and metrics together.
    """

    def __init__(self, app: ASGIApp, settings: ServingSettings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key", "X-Request-ID"),
        )
        exposed = b"X-Request-ID, X-Model-Version, RateLimit, Retry-After, Idempotency-Replayed"
        self._ready = ((b"vary", b"Origin"), (b"access-control-expose-headers", exposed))

    async def simple_response(
        self, scope: Scope, receive: Receive, send: Send, request_headers: Headers
    ) -> None:
        """Let an allowed origin read the answer, also where it is an error."""
        origin = request_headers["origin"]
        exchange = current_exchange.get()
        if exchange is not None and self.is_allowed_origin(origin):
            allowed = (b"access-control-allow-origin", origin.encode("latin-1"))
            exchange.answer_headers += (*self._ready, allowed)
        await self.app(scope, receive, send)
