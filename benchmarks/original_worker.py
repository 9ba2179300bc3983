"""Runs inside the original's environment, so it imports nothing of ours: JSON requests in, JSON answers out.

A request is {"path", "model"}, the answer {"seconds", "taggram", "penultimate"}; the first line says how long the
import took.
"""

import contextlib
import json
import os
import sys
import time

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # the original prints as it works
started = time.perf_counter()
with contextlib.redirect_stdout(sys.stderr):
    from musicnn.extractor import extractor
print(json.dumps({"start_s": time.perf_counter() - started}), file=answers)

for line in sys.stdin:
    request = json.loads(line)
    # Timed as it is fastest: without the intermediate features.
    wanted = request.get("penultimate", False)
    started = time.perf_counter()
    taggram, _, *features = extractor(
        request["path"], model=request["model"], input_length=3, input_overlap=False, extract_features=wanted
    )
    answer = {"seconds": time.perf_counter() - started, "taggram": taggram.tolist()}
    if wanted:
        # The original repeats the first patch's penultimate layer for every later patch; only that one is real.
        answer["penultimate"] = features[0]["penultimate"][0].tolist()
    print(json.dumps(answer), file=answers)
