"""Living below a sub-path, such as https://music.example/genrelab/."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class SubPath:
    """Middleware that tells an application below which path it lives.

    A proxy may leave the prefix in the path or take it away; both arrive at the same place, and every address that
    the application makes begins with the prefix.
    """

    def __init__(self, app: "WSGIApplication", prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Move the prefix from the path to where addresses are made from."""
        if self._prefix and not environ.get("SCRIPT_NAME"):
            environ["SCRIPT_NAME"] = self._prefix
            path = environ.get("PATH_INFO", "")
            if path == self._prefix or path.startswith(self._prefix + "/"):
                environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        return self._app(environ, start_response)
