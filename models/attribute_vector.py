"""Musical attributes as the numbers that a network takes: always the same places, and 0 with a flag where unknown.

Loudness itself is left out: it tells how a recording was mastered, not what it is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

SCALARS = (  # name, centre, spread: roughly those of music, so that values are within a few units
    ("tempo_bpm", 115.0, 30.0),
    ("beat_strength", 0.4, 0.2),
    ("onset_rate_hz", 3.5, 1.5),
    ("key_strength", 0.7, 0.15),
    ("dynamic_range_db", 7.0, 5.0),
    ("spectral_centroid_hz", 2000.0, 800.0),
    ("spectral_bandwidth_hz", 1800.0, 500.0),
    ("spectral_rolloff_hz", 4000.0, 1500.0),
    ("spectral_flatness", 0.05, 0.05),
)
LISTS = (  # name, length, centre, spread
    ("spectral_contrast_db", 7, 40.0, 8.0),
    ("mfcc", 20, 0.0, 40.0),
    ("wavelet_energy", 8, 0.125, 0.12),
)
NAMES = (
    *(name for name, _, _ in SCALARS),
    *(f"{name}[{index}]" for name, length, _, _ in LISTS for index in range(length)),
    *(f"chroma[{index}]" for index in range(12)),
    "minor",
    *(f"{name} unknown" for name, _, _ in SCALARS),
)
N_ATTRIBUTES = len(NAMES)
LIMIT = 5.0  # a value further out says no more


def attribute_vector(attributes: Mapping[str, Any]) -> np.ndarray:
    """Attributes of one recording in the order of `NAMES`.

    Parameters
    ----------
    attributes : mapping
        Of `features.attributes`; what is None or missing counts as unknown.

    Returns
    -------
    np.ndarray, shape (N_ATTRIBUTES,), float32
        Within -5 to 5. Chroma is turned so that the key's tonic comes first, or the strongest note where there is no
        key: the same music in another key has the same vector.
    """
    scalars = [attributes.get(name) for name, _, _ in SCALARS]
    values = [
        0.0 if value is None else (float(value) - centre) / spread
        for value, (_, centre, spread) in zip(scalars, SCALARS, strict=True)
    ]
    for name, length, centre, spread in LISTS:
        found = attributes.get(name)
        values += [0.0] * length if found is None else ((np.asarray(found, float) - centre) / spread).tolist()
    values += _relative_chroma(attributes)
    values.append(1.0 if str(attributes.get("key") or "").endswith("minor") else 0.0)
    values += [float(value is None) for value in scalars]
    return np.clip(np.array(values, np.float32), -LIMIT, LIMIT)


def _relative_chroma(attributes: Mapping[str, Any]) -> list[float]:
    from features.tonality import PITCH_NAMES

    chroma = attributes.get("chroma")
    if chroma is None:
        return [0.0] * 12
    shares = np.asarray(chroma, float)
    key = attributes.get("key")
    tonic = PITCH_NAMES.index(key.split()[0]) if key else int(shares.argmax())
    return (8 * (np.roll(shares, -tonic) - 1 / 12)).tolist()
