"""How much of many clips stands in the training material, and whether a copy is caught.

python -m benchmarks.originality [--clips 500] [--data CORPUS] [--json FILE]

Clips are made as they come, without the check that makes a copy again. With the corpus, recordings that the generator
learned from are fed back, too: their codes as they are, and the recordings played 1 dB softer and from elsewhere.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.composers import GENRES
from features.audio import load
from features.log_mel import FRAMES_PER_S, HOP_LENGTH, SR, log_mel
from models.clip_plan import outline
from models.clip_sound import frames_for
from models.clip_wish import ClipWish
from models.code_stream import make_codes
from models.generator import FOLDER
from models.originality import LIMIT_S, PASSAGE_LIMIT, PASSAGE_S, OriginalityIndex
from models.prior_inference import PriorInference
from models.sampling import Sampling
from models.vqvae_inference import VqvaeInference

CLIP_S = 10.0
FIRST_SEED = 50_000
AT_ONCE = 8
N_FED_BACK = 50
SOFTER_DB = 1.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a fragment of Markdown, and keep the figures where `--json` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--data", type=Path, help="the corpus that the generator learned from")
    parser.add_argument("--json", type=Path, help="file for the figures")
    options = parser.parse_args(arguments)
    index = OriginalityIndex.load(FOLDER / "originality")
    result: dict[str, Any] = {"made": _made(index, options.clips)}
    if options.data:
        result["fed_back"] = _fed_back(index, options.data)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(result))


def markdown(result: dict[str, Any]) -> str:
    """The figures as a section of the documentation."""
    made = result["made"]
    runs, passages = (np.array([each[name] for each in made]) for name in ("longest_run_s", "passage_share"))
    text = (
        "## Originality\n\n"
        f"{len(made)} clips of {CLIP_S:g} s, {min(len(made), len(GENRES))} genres, none made again: the longest run of "
        f"codes shared with the training material lasts {np.median(runs):.2f} s in the median,\n"
        f"{np.percentile(runs, 95):.2f} s at the 95th percentile, {runs.max():.2f} s at most; "
        f"{int((runs > LIMIT_S).sum())} share more than {LIMIT_S:g} s.\n"
        f"At most {np.median(passages):.0%} of {PASSAGE_S:g} s agree with one passage of it in the median, "
        f"{passages.max():.0%} at most (the limit is {PASSAGE_LIMIT:.0%}). "
        f"{sum(not each['accepted'] for each in made)} clips would be made again.\n"
        f"Of their runs of eight frames, {np.mean([each['shared_ngrams'] for each in made]):.1%} stand somewhere in "
        "it.\n"
    )
    if "fed_back" in result:
        text += "\n| training recordings fed back | refused | shared run, median | passage, least |\n"
        text += "| --- | --- | --- | --- |\n"
        for name, reports in result["fed_back"].items():
            refused = sum(not each["accepted"] for each in reports)
            run_s = np.median([each["longest_run_s"] for each in reports])
            least = min(each["passage_share"] for each in reports)
            text += f"| {name} | {refused} of {len(reports)} | {run_s:.1f} s | {least:.0%} |\n"
    return text


def _made(index: OriginalityIndex, n_clips: int) -> list[dict[str, Any]]:
    _, prior = PriorInference.load(FOLDER / "prior")
    reports: list[dict[str, Any]] = []
    for first in range(0, n_clips, AT_ONCE):
        wishes = [
            ClipWish(GENRES[number % len(GENRES)], CLIP_S, seed=FIRST_SEED + number)
            for number in range(first, min(first + AT_ONCE, n_clips))
        ]
        n_frames = frames_for(round(CLIP_S * SR))
        plans = [
            outline(wish, None, n_frames=n_frames, n_codebooks=prior.settings.n_codebooks, genres=GENRES).mix
            for wish in wishes
        ]
        codes = make_codes(
            prior,
            plans,
            seeds=[wish.seed for wish in wishes],
            sampling=Sampling(wishes[0].temperature, wishes[0].top_k, wishes[0].top_p),
            guidance=wishes[0].guidance,
        )
        for each in codes:
            found = index.report(each)
            reports.append(found.to_dict())
    return reports


def _fed_back(index: OriginalityIndex, corpus: Path) -> dict[str, list[dict[str, Any]]]:
    autoencoder = VqvaeInference.load(FOLDER / "autoencoder")
    n = round(CLIP_S * FRAMES_PER_S)
    found: dict[str, list[dict[str, Any]]] = {
        "as they are": [],
        f"{SOFTER_DB:g} dB softer": [],
        "shifted by half a frame": [],
    }
    for name in index.ids[:: max(1, len(index.ids) // N_FED_BACK)][:N_FED_BACK]:
        path = next(corpus.glob(f"*/{name}.*"), None) or next(corpus.glob(name))
        y = load(path, sr=SR)
        for way, heard in zip(found, (y, y * np.float32(10 ** (-SOFTER_DB / 20)), y[HOP_LENGTH // 2 :]), strict=True):
            codes = autoencoder.encode(log_mel(heard))[:, n : 2 * n]  # from the middle of the recording
            found[way].append(index.report(codes).to_dict())
    return found


if __name__ == "__main__":
    main()
