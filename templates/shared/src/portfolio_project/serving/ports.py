"""Finds out before anything else is done whether the port can be had."""

import socket

from .settings import PREFIX, BadSettings, ServingSettings


def reserve_port(settings: ServingSettings) -> int:
    """Return the port to serve on, known to be free a moment ago; of port 0, a real one.

    Raises:
        BadSettings: it is taken.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            line = (
                f"{PREFIX}PORT: can't listen on {settings.host}:{settings.port} "
                f"({(error.strerror or str(error)).lower()}); choose another with --port"
            )
            raise BadSettings([line]) from None
        return int(probe.getsockname()[1])
