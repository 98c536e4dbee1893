"""The application's side of a gateway. `candor_kit.asgi.Kit` and `candor_kit.wsgi.Kit` wrap an application."""

from .request import current_request, install_logging, outgoing_headers

__all__ = ["current_request", "install_logging", "outgoing_headers"]
