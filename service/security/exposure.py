"""No server that others can reach without a token."""

from typing import TYPE_CHECKING

import structlog

from service.errors import ConfigurationError
from service.security.access import CREATE_TOKEN, is_loopback
from service.settings import Settings

if TYPE_CHECKING:
    from service.storage.tokens import TokenStore


def refuse_exposure(settings: Settings, tokens: "TokenStore") -> None:
    """Refuse to serve an address that others can reach while there is no token.

    Raises
    ------
    ConfigurationError
        If `settings.host` is not this machine's loopback address and there is no token.
    """
    if tokens.any():
        return
    if not is_loopback(settings.host):
        raise ConfigurationError(
            f"{settings.host} can be reached from other machines, and there is no token yet. Make one with "
            f"`{CREATE_TOKEN}`, or serve on 127.0.0.1."
        )
    if settings.proxy_hops:
        structlog.stdlib.get_logger(__name__).warning(
            "a proxy is in front and there is no token: only requests from this machine will be answered",
            way_out=CREATE_TOKEN,
        )
