"""The shipped genre head: its block cross-validation, as its card has it or measured again.

python -m benchmarks.genre_head                     # what the card says
python -m benchmarks.genre_head --data train.npz    # trained and cross-validated anew, minutes
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from models.evaluation.text import cross_validation_text
from models.model_folder import read_card
from models.registry import ModelRegistry


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="taggrams to train on, laid out like GTZAN's")
    options = parser.parse_args(arguments)
    if options.data is None:
        card = read_card(ModelRegistry().active("genre").path)
    else:
        from models.train_genre_head import Settings, train

        with tempfile.TemporaryDirectory() as folder:
            card = train(Settings(data=options.data, out=Path(folder) / "head"))
    print("## The genre head\n")
    print("```text")
    print(cross_validation_text(card).strip())
    print("```")


if __name__ == "__main__":
    main()
