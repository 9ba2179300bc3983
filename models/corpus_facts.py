"""What a model card says of the corpus that was learned from."""

import hashlib
import json
from typing import Any

from datasets.manifest import Manifest


def corpus_facts(manifest: Manifest, layout: str) -> dict[str, Any]:
    """Name, size, licences, and a hash over which content lies in which split.

    Parameters
    ----------
    manifest : Manifest
        With hashes.
    layout : str
        How it was read.
    """
    splits = sorted((recording.sha256, recording.split) for recording in manifest)
    return {
        "corpus": manifest.name,
        "layout": layout,
        "n_recordings": len(manifest),
        "split_sha256": hashlib.sha256(json.dumps(splits).encode()).hexdigest(),
        "licences": sorted({recording.licence for recording in manifest if recording.licence}),
    }
