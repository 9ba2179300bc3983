"""What the views of one application share."""

from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from service.api.admission import Admission
    from service.services import Services


def services() -> "Services":
    """The parts of the service that the application in hand was built with."""
    return current_app.extensions["services"]


def admission() -> "Admission":
    """How much more the application in hand takes on at once."""
    return current_app.extensions["admission"]
