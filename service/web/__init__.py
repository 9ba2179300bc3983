"""The web page: server-rendered templates, plain ES modules, one style sheet; nothing from any other host."""

from service.web.pages import bp

__all__ = ["bp"]
