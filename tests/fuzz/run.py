"""The long run: `python -m tests.fuzz.run --files 2000 --seed 7`; exit code 1 when anything went wrong."""

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from service.app import create_app
from service.services import Services
from service.settings import Settings
from tests.fuzz.harness import send_all
from tests.fuzz.mutations import mutated_files
from tests.fuzz.originals import originals


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), rate_limit="1000000/minute", upload_rate_limit="1000000/minute")
        services = Services.from_settings(settings)
        services.engine.warm_up()
        outcome = send_all(
            create_app(services=services), mutated_files(originals(), n_files=options.files, seed=options.seed)
        )
        services.close()
    print(f"{outcome.statuses.total()} files: {dict(sorted(outcome.statuses.items()))}")
    print(f"slowest answer {outcome.slowest_s:.1f} s, {len(outcome.faults)} faults")
    print(*outcome.faults, sep="\n")
    return bool(outcome.faults)


if __name__ == "__main__":
    sys.exit(main())
