"""Figures of a training for TensorBoard."""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf


class TrainingLog:
    """Where figures go while a training runs; nowhere without a folder."""

    def __init__(self, folder: Path | None) -> None:
        self._writer = None if folder is None else tf.summary.create_file_writer(str(folder))

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add figures, to be seen at once."""
        if self._writer is None:
            return
        with self._writer.as_default(step=step):
            for name, value in figures.items():
                tf.summary.scalar(name, value)
        self._writer.flush()
