"""How request bodies are read: bounded, strictly, and into files that vanish with the process."""

import tempfile
from pathlib import Path
from typing import IO, Any

from flask import Request, current_app
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser

SPOOL_BYTES = 1 << 20  # smaller uploads never touch the disk
MAX_BODY_BYTES = 1 << 20  # of everything that is not an upload
MAX_FORM_FIELD_BYTES = 256 << 10  # the parser counts its own blocks of 64 KiB towards it
MAX_FORM_PARTS = 16
FORM_OVERHEAD_BYTES = 64 << 10  # boundaries and headers of the parts around a file


class BoundedRequest(Request):
    """A request whose uploads are spooled to the data folder's own disk, and whose broken forms are errors."""

    def _get_file_stream(self, *_sizes_and_names: Any, **_more: Any) -> IO[bytes]:
        folder: Path = current_app.config["INCOMING_DIR"]
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES, dir=str(folder))

    def make_form_data_parser(self) -> FormDataParser:
        """A parser that does not take half a form for a whole one."""
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except ValueError as error:
            raise BadRequest(f"The form in the request's body is damaged: {error}.") from error
