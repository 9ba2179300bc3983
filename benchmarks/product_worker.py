"""Runs Genrelab for a comparison: JSON requests in, JSON answers out, as `original_worker` does for the original.

{"path", "model"} asks for the activations of a backbone, {"path", "attributes"} for the genre. A recording is decoded
in a separate process while the network listens, as the page and the command line do it, but nothing is cached.
"""

import json
import os
import sys
import time
from pathlib import Path

answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def main() -> None:
    started = time.perf_counter()
    from features.analysis import AnalysisSettings
    from features.isolation import AnalyserPool
    from models.backbone import Backbone
    from models.classifier import GenreClassifier

    classifier = GenreClassifier.load()
    backbones: dict[str, Backbone] = {}
    with AnalyserPool(workers=1) as pool:
        loaded = time.perf_counter()
        classifier.warm_up()
        warm = time.perf_counter()
        print(json.dumps({"start_s": loaded - started, "warm_up_s": warm - loaded}), file=answers)
        for line in sys.stdin:
            request = json.loads(line)
            path = Path(request["path"])
            if name := request.get("model"):
                backbone = backbones.setdefault(name, Backbone.load(name))
                with pool.analyse(path, AnalysisSettings(attributes=False)) as run:
                    stream = backbone.stream()
                    for frames in run:
                        stream.push(frames)
                heard = stream.finish()
                answer = {"taggram": heard.taggram.tolist(), "penultimate": heard.embedding[0].tolist()}
            else:
                started = time.perf_counter()
                with pool.analyse(path, AnalysisSettings(attributes=request["attributes"])) as run:
                    genre = classifier.decide(classifier.listen(run))
                answer = {"seconds": time.perf_counter() - started, "probabilities": genre.probabilities}
            print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    main()
