"""Logs: one JSON object a line with the request's id, or coloured text on a developer's screen."""

import logging
import sys
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from .exchange import current_exchange
from .settings import ServingSettings


class _StandardError:
    """Writes whole lines to standard error; a broken pipe or full disk stops no request."""

    def msg(self, line: str) -> None:
        try:
            # One call, so that threads don't mix their lines.
            sys.stderr.buffer.write(line.encode("utf-8", "replace") + b"\n")
            sys.stderr.buffer.flush()
        except (OSError, ValueError):
            pass

    debug = info = warning = error = critical = exception = msg


class _FromStandardLibrary(logging.Handler):
    """Takes what libraries log the standard way, so that all lines have one form."""

    def emit(self, record: logging.LogRecord) -> None:
        _StandardError().msg(self.format(record))


def _add_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    exchange = current_exchange.get()
    if exchange is not None:
        event.setdefault("request_id", exchange.request_id)
    return event


def _add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    from opentelemetry import trace  # noqa: PLC0415 - only where tracing is on

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event


def _drop_noise(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in ("taskName", "color_message"):
        event.pop(name, None)
    return event


def _as_json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console_wanted(settings: ServingSettings) -> bool:
    if settings.log_format == "auto":
        return settings.environment == "local" and sys.stderr.isatty()
    return settings.log_format == "console"


def configure_logging(settings: ServingSettings) -> None:
    """Set up logging for this process. Calling it again replaces the set-up."""
    console = _console_wanted(settings)
    shared: list[Processor] = [
        structlog.processors.add_log_level,
        _add_request,
        *([_add_trace] if settings.otel_enabled else []),
        structlog.processors.TimeStamper(fmt="iso", utc=not console),
    ]
    render: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_as_json)]
    )
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _StandardError(),
    )
    handler = _FromStandardLibrary()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _drop_noise, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, _FromStandardLibrary)]
    root.addHandler(handler)
    root.setLevel(level)
