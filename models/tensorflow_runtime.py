"""The one place where TensorFlow is set up: quiet, on the CPU, and loaded only when a network is needed.

TensorFlow reads these variables while it is imported, so every module of ours imports it through here:
``from models.tensorflow_runtime import keras, tf``. A variable that the user has set is left alone.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # oneDNN announces itself on stderr, whatever the log level
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import tensorflow as tf

__all__ = ["keras", "tf"]
