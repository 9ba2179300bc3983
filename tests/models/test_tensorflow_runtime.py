"""TensorFlow comes in quietly, and hides nobody else's words."""

import os
import subprocess
import sys

from models.tensorflow_runtime import _without_greeting


def test_nothing_on_stderr():
    code = (
        "from models.tensorflow_runtime import tf\n"
        "f = tf.function(lambda x: x @ x, jit_compile=True)\n"
        "print(f(tf.ones((3, 3))).numpy().sum())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "27.0"
    assert run.stderr == ""


def test_other_messages_are_passed_on(capfd):
    with _without_greeting():
        os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called\nthe disk is full\n")
    assert capfd.readouterr().err == "the disk is full\n"
