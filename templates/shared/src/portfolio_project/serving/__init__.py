"""Serving: the production API that every project of this family has."""

from .app import Service, build_app
from .auth import require_scope
from .exchange import current_exchange
from .health import ReadinessCheck
from .idempotency_store import IdempotencyStore
from .model_slot import ModelRefused, ModelSlot, Served
from .pagination import Cursor, CursorCodec, Limit, Page
from .principal import Principal
from .problems import Problem, ProblemDocument
from .server import in_thread, make_server, serve
from .settings import BadSettings, ServingSettings, load_settings
from .whole import AsWhole, Whole

__all__ = [
    "AsWhole",
    "BadSettings",
    "Cursor",
    "CursorCodec",
    "IdempotencyStore",
    "Limit",
    "ModelRefused",
    "ModelSlot",
    "Page",
    "Principal",
    "Problem",
    "ProblemDocument",
    "ReadinessCheck",
    "Served",
    "Service",
    "ServingSettings",
    "Whole",
    "build_app",
    "current_exchange",
    "in_thread",
    "load_settings",
    "make_server",
    "require_scope",
    "serve",
]
