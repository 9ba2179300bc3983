"""Train the genre head on tag activations: `python -m models.train_genre_head --data FILE.npz --out FOLDER`.

Cross-validated by blocks of neighbouring file numbers, so that an artist is on one side only, with everything that is
fitted (temperature and prediction sets included) fitted within the training side of each fold. What is shipped is the
same recipe on all tracks.
"""

import argparse
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets.splits import block_folds, split_checksum
from datasets.taggrams import load_taggrams
from features.cache import sha256_of
from models.calibrated_head import KIND
from models.errors import ModelError
from models.evaluation.cross_validation import Layout, cross_validate
from models.evaluation.taggrams import evaluate_set
from models.evaluation.text import cross_validation_text
from models.genre_head import GenreHead
from models.genre_members import MemberSettings
from models.genre_recipe import Recipe, head_arrays
from models.model_folder import save_model

LAYOUTS: tuple[Layout, ...] = tuple((n_folds, rotation) for n_folds in (4, 5, 8) for rotation in (0.0, 0.25, 0.5, 0.75))


@dataclass(frozen=True)
class Settings:
    """What is trained, on what, and how it is scored. Nothing in it is drawn at random."""

    data: Path
    out: Path
    name: str = "gtzan-musicnn-1"
    version: str = "1"
    created: str = "2026-11-24"
    backbone: str = "MSD_musicnn"
    source: str = "GTZAN, fault-filtered training split, as MSD_musicnn tag activations (ISC)"
    recipe: Recipe = field(default_factory=Recipe)
    layouts: tuple[Layout, ...] = LAYOUTS
    guards: tuple[int, ...] = (0, 2)


def train(settings: Settings) -> dict[str, Any]:
    """Cross-validate, fit on everything, save; returns the card."""
    tracks = load_taggrams(settings.data)
    validations = [
        cross_validate(tracks, settings.recipe, layouts=settings.layouts, guard=guard) for guard in settings.guards
    ]
    arrays = head_arrays(tracks, settings.recipe)
    card = {
        "name": settings.name,
        "version": settings.version,
        "kind": KIND,
        "created": settings.created,
        "genres": list(tracks.genres),
        "backbone": settings.backbone,
        "coverage": settings.recipe.coverage,
        "licence": "Apache-2.0",
        "data": {
            "source": settings.source,
            "sha256": sha256_of(settings.data),
            "n_tracks": len(tracks),
            "split_sha256": split_checksum(tracks.ids, block_folds(tracks.ids, tracks.labels)),
        },
        "settings": {
            "recipe": dataclasses.asdict(settings.recipe),
            "layouts": settings.layouts,
            "guards": settings.guards,
        },
        "cross_validation": validations,
    }
    head = GenreHead(card, arrays)
    card["on_training_tracks"] = {name: evaluate_set(tracks, head)[name] for name in ("accuracy", "log_loss", "ece")}
    return save_model(settings.out, card, arrays)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the flags, train, print the report."""
    card = train(read_settings(arguments))
    print(cross_validation_text(card))


def read_settings(arguments: Sequence[str] | None = None) -> Settings:
    """Settings from flags; `--config FILE` holds recipe, layouts and guards as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--config", type=Path, help="JSON object with any of the fields 'recipe', 'layouts' and 'guards'"
    )
    for setting in dataclasses.fields(Settings):
        if setting.type in (str, Path):
            required = setting.default is dataclasses.MISSING
            parser.add_argument(f"--{setting.name}", type=setting.type, required=required, default=argparse.SUPPRESS)
    flags = vars(parser.parse_args(arguments))
    if (config := flags.pop("config")) is not None:
        flags = _from_config(config) | flags
    return Settings(**flags)


def _from_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise TypeError(f"expected an object, got {type(config).__name__}")
        found: dict[str, Any] = {}
        if "recipe" in config:
            recipe: dict[str, Any] = {
                k: tuple(v) if isinstance(v, list) else v for k, v in config.pop("recipe").items()
            }
            if "members" in recipe:
                recipe["members"] = tuple(MemberSettings(**member) for member in recipe["members"])
            found["recipe"] = Recipe(**recipe)
        if "guards" in config:
            found["guards"] = tuple(int(guard) for guard in config.pop("guards"))
        if "layouts" in config:
            found["layouts"] = tuple((int(n_folds), float(rotation)) for n_folds, rotation in config.pop("layouts"))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{path}: not the settings of a genre head ({error})") from error
    if config:
        raise ModelError(f"{path}: unknown settings {', '.join(config)}, expected recipe, layouts and guards")
    return found


if __name__ == "__main__":
    main()
