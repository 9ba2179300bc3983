"""The shipped music gate: what it refuses, as its card has it or measured again.

python -m benchmarks.music_gate                                             # what the card says
python -m benchmarks.music_gate --taggrams train.npz --material FOLDER      # trained and scored anew, minutes
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from models.evaluation.text import gate_text
from models.model_folder import read_card
from models.registry import ModelRegistry


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--taggrams", type=Path, help="labelled taggrams, laid out like GTZAN's")
    parser.add_argument("--material", type=Path, help="recordings, as benchmarks.gate_material lays them out")
    options = parser.parse_args(arguments)
    if (options.taggrams is None) != (options.material is None):
        parser.error("--taggrams and --material go together")
    if options.material is None:
        card = read_card(ModelRegistry().active("gate").path)
    else:
        from models.train_music_gate import Settings, train

        with tempfile.TemporaryDirectory() as folder:
            card = train(Settings(taggrams=options.taggrams, material=options.material, out=Path(folder) / "gate"))
    print("## The music gate\n")
    print("A clip that is refused has no genre; of the others, some are given none because too many are possible.\n")
    print("```text")
    print(gate_text(card))
    print("```")


if __name__ == "__main__":
    main()
