"""Small networks over codes whose every weight is drawn, plans, and clips of codes that can be learned."""

import numpy as np

from models.plan import FRAME_WIDTH, Plan, make_plan, overall_width
from models.prior_data import CodedClip
from models.prior_settings import CodeSettings, PriorSettings

N_GENRES = 3
SMALL = PriorSettings(
    n_codebooks=3,
    n_codes=11,
    n_genres=N_GENRES,
    look_ahead=2,
    recent_steps=2,
    width=12,
    n_layers=2,
    n_heads=2,
    window=9,
)


def draw_weights(network, seed: int = 0) -> None:
    """Give every weight a value that no initialiser would, so that no part of the network is silent."""
    rng = np.random.default_rng(seed)
    for variable in network.trainable_variables:
        variable.assign(rng.normal(0.1, 0.4, variable.shape))


def drawn_plan(seed: int, n_frames: int, n_genres: int = N_GENRES) -> Plan:
    """A plan of random values."""
    rng = np.random.default_rng(seed)
    return Plan(
        rng.normal(size=(n_frames, FRAME_WIDTH)).astype(np.float32),
        rng.normal(size=overall_width(n_genres)).astype(np.float32),
    )


def steps_of(inference, codes: np.ndarray, plans: list[Plan]) -> np.ndarray:
    """Logits of one step after the other: codes (row, step, codebook) to (row, step, codebook, n_codes)."""
    n_recent, n_steps = inference.settings.recent_steps, codes.shape[1]
    before = np.pad(codes, ((0, 0), (n_recent - 1, 0), (0, 0)), constant_values=inference.settings.n_codes)
    memory = inference.start(len(codes))
    planned = np.stack([inference.told.of_plan(plan, 0, n_steps) for plan in plans])
    found = []
    for step in range(n_steps):
        found.append(memory.step(inference.told.of_codes(before[:, step : step + n_recent]) + planned[:, step]))
    return np.stack(found, axis=1)


def cyclic_clip(genre: int, settings: CodeSettings, *, n_frames: int = 60, split: str = "train") -> CodedClip:
    """Codes that count up by one a frame in genre 0, by two in genre 1, …, each codebook one ahead of the last."""
    places = np.arange(settings.n_codebooks)[:, np.newaxis] + np.arange(n_frames) * (genre + 1)
    plan = make_plan(n_frames, genre_mix=np.eye(settings.n_genres)[genre])
    return CodedClip((places % settings.n_codes).astype(np.uint16), plan, genre, split)
