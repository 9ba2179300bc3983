"""Hybrid heads made for tests: small networks whose weights are drawn, beside a member that is known by thought."""

import numpy as np

from models.hybrid_input import BRANCHES, HybridInput
from models.hybrid_network import NetworkSettings, arrays_of, build
from models.tag_scale import TagScale
from tests.support.hybrid_inputs import hybrid_input
from tests.support.taggrams import GENRES, tag_head_arrays

HYBRID_CARD = {"name": "hybrid-1", "genres": list(GENRES), "backbone": "stand-in", "coverage": 0.9}


def network_arrays(seed: int, *, branches: tuple[str, ...] = BRANCHES, n_genres: int = len(GENRES)) -> dict:
    """Arrays of a network whose every weight is drawn."""
    rng = np.random.default_rng(seed)
    network = build(NetworkSettings(branches=branches, width=4, filters=1), n_genres)
    for variable in network.variables:
        if "seed" not in variable.name:
            low, high = (0.05, 0.2) if "variance" in variable.name else (-0.3, 0.3)
            variable.assign(rng.uniform(low, high, variable.shape))
    recordings: list[HybridInput] = [hybrid_input(rng) for _ in range(3)]
    return arrays_of(network, TagScale.of(recordings))


def hybrid_arrays(*networks: dict, network_weight: float = 0.75, network_temperature: float = 1.5) -> dict:
    """Arrays of a head of these networks and the member of `tests.support.taggrams.tag_head`."""
    parts = {f"networks/{i}/{name}": array for i, part in enumerate(networks) for name, array in part.items()}
    return (
        tag_head_arrays()
        | parts
        | {
            "votes/network_temperature": np.array(network_temperature),
            "votes/network_weight": np.array(network_weight),
        }
    )
