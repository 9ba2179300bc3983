"""What is learned: the MusiCNN backbone, the genre classifier, the model registry.

Importing this package is free; TensorFlow loads with the first model.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.classifier import GenreClassifier

__all__ = ["GenreClassifier"]


def __getattr__(name: str) -> Any:
    if name == "GenreClassifier":
        from models.classifier import GenreClassifier

        return GenreClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
