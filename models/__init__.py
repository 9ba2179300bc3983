"""What is learned: the MusiCNN backbone, the genre classifier, the generator, the model registry.

Importing this package is free; TensorFlow loads with the first model.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.classifier import GenreClassifier
    from models.generator import Generator

__all__ = ["Generator", "GenreClassifier"]


def __getattr__(name: str) -> Any:
    if name == "GenreClassifier":
        from models.classifier import GenreClassifier

        return GenreClassifier
    if name == "Generator":
        from models.generator import Generator

        return Generator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
