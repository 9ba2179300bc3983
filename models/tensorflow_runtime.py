"""The one place where TensorFlow is set up: quiet, on the CPU, and loaded only when a network is built or trained.

Every module of ours imports it through here: ``from models.tensorflow_runtime import keras, tf``. A variable that the
user has set is left alone.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# Two lines that TensorFlow's libraries write to stderr as they are loaded, whatever the log level.
_GREETING = re.compile(rb"WARNING: All log messages before absl::InitializeLog|.* oneDNN custom operations are on\.")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


@contextmanager
def _without_greeting() -> Iterator[None]:
    """Hold back what is written to stderr meanwhile, by C++ too, and pass it on without the greeting."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            held.seek(0)
            for line in held:
                if not _GREETING.match(line):
                    os.write(stderr, line)
            os.close(stderr)


with _without_greeting():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
