"""Every kind of baseline makes codes through one door, the same alone and with others; what is none is refused."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from models.baselines.gan import GanSettings
from models.baselines.ngram import Ngrams, NgramSettings
from models.baselines.sources import KINDS, genre_mix_of, load_baseline
from models.errors import IntegrityError, ModelError
from models.model_folder import WEIGHTS_FILE, save_model
from models.plan import FRAME_WIDTH, make_plan, overall_width
from models.prior_settings import CodeSettings, GruSettings, PriorSettings
from models.sampling import Sampling
from tests.support.small_priors import drawn_plan

CODES = {"n_codebooks": 2, "n_codes": 5, "n_genres": 3}
TOLD = {"look_ahead": 2, "recent_steps": 2}
PRIOR = PriorSettings(**CODES, **TOLD, width=8, n_layers=1, n_heads=1, window=6)
GRU = GruSettings(**CODES, **TOLD, width=8, n_layers=1)
NGRAM = NgramSettings(**CODES)
GAN = GanSettings(width=6, dilations=(1,), latent_dim=3, n_genres=3, n_noise=2)


def drawn(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Random arrays by names in which "__" stands for "/"."""
    rng = np.random.default_rng(0)
    return {name.replace("__", "/"): rng.normal(size=shape) for name, shape in shapes.items()}


def told(settings: CodeSettings, width: int) -> dict[str, np.ndarray]:
    """First and last layers of a network over codes."""
    n_rows, n_logits = settings.n_codebooks * (settings.n_codes + 1), settings.n_codebooks * settings.n_codes
    return drawn(
        embed_codes__embeddings=(n_rows, width),
        recent_codes__kernel=(settings.recent_steps, width, width),
        recent_codes__bias=(width,),
        plan_frames__kernel=(settings.n_codebooks + settings.look_ahead, FRAME_WIDTH, width),
        plan_frames__bias=(width,),
        plan_overall__kernel=(overall_width(settings.n_genres), width),
        plan_overall__bias=(width,),
        logits__kernel=(width, n_logits),
        logits__bias=(n_logits,),
    )


def prior_arrays() -> dict[str, np.ndarray]:
    return told(PRIOR, 8) | drawn(
        normalise__scale=(8,),
        layer_0_normalise_attention__scale=(8,),
        layer_0_qkv__kernel=(8, 24),
        layer_0_attended__kernel=(8, 8),
        layer_0_normalise_mlp__scale=(8,),
        layer_0_widen__kernel=(8, 32),
        layer_0_narrow__kernel=(32, 8),
    )


def gru_arrays() -> dict[str, np.ndarray]:
    return told(GRU, 8) | drawn(layer_0__kernel=(8, 24), layer_0__recurrent_kernel=(8, 24), layer_0__bias=(2, 24))


def ngram_arrays() -> dict[str, np.ndarray]:
    """Each genre has a code of its own in all frames."""
    return Ngrams.fit([np.full((2, 9), genre) for genre in range(3)], [0, 1, 2], NGRAM).arrays()


def gan_arrays() -> dict[str, np.ndarray]:
    n_in = GAN.told_width + 2 * GAN.n_noise
    return drawn(
        generator__in__kernel=(3, n_in, 6),
        generator__in__bias=(6,),
        generator__block_0_normalise__gamma=(6,),
        generator__block_0_normalise__beta=(6,),
        generator__block_0_conv__kernel=(3, 6, 6),
        generator__block_0_conv__bias=(6,),
        generator__block_0_mix__kernel=(6, 6),
        generator__block_0_mix__bias=(6,),
        generator__normalise__gamma=(6,),
        generator__normalise__beta=(6,),
        generator__out__kernel=(6, 3),
        generator__out__bias=(3,),
        codebooks=(2, 5, 3),
        latent_mean=(3,),
        latent_spread=(3,),
    )


MODELS: dict[str, tuple[object, Callable[[], dict[str, np.ndarray]]]] = {
    "prior": (PRIOR, prior_arrays),
    "gru": (GRU, gru_arrays),
    "ngram": (NGRAM, ngram_arrays),
    "gan": (GAN, gan_arrays),
}


def save(folder: Path, of: str, **fields) -> Path:
    settings, arrays = MODELS[of]
    card = {"name": of, "version": "1", "kind": of, "created": "2026-01-01", "network": asdict(settings)} | fields
    save_model(folder, card, arrays())
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_makes_codes_that_depend_on_plan_and_seed_alone(kind, tmp_path):
    baseline = load_baseline(save(tmp_path, kind))
    assert (baseline.kind, baseline.card["name"]) == (kind, kind)
    plans = [make_plan(12, genre_mix=np.eye(3)[genre]) for genre in (0, 1)]
    codes = baseline.make_codes(plans, seeds=[7, 8], guidance=2.0)
    assert codes.shape == (2, 2, 12)
    assert np.issubdtype(codes.dtype, np.integer)
    assert 0 <= codes.min() <= codes.max() < 5
    np.testing.assert_array_equal(baseline.make_codes(plans[1:], seeds=[8], guidance=2.0)[0], codes[1])


def test_ngrams_follow_the_genre_of_the_plan(tmp_path):
    plans = [make_plan(6, genre_mix=np.eye(3)[genre]) for genre in range(3)]
    codes = load_baseline(save(tmp_path, "ngram")).make_codes(plans, seeds=[0, 0, 0], sampling=Sampling(0.0))
    np.testing.assert_array_equal(codes, np.arange(3)[:, np.newaxis, np.newaxis] * np.ones((1, 2, 6)))


def test_the_genre_mix_is_read_from_a_plan():
    np.testing.assert_allclose(genre_mix_of(make_plan(2, tempo_bpm=99, genre_mix=[0.25, 0, 0.75])), [0.25, 0, 0.75])
    np.testing.assert_allclose(genre_mix_of(make_plan(2, genre_mix=[0, 0, 0])), [1 / 3] * 3)


def test_plans_and_seeds_that_do_not_fit_are_refused(tmp_path):
    baseline = load_baseline(save(tmp_path, "gan"))
    plan = drawn_plan(0, 5)
    for plans, seeds, message in (
        ([], [], "expected one plan or more, all of one length"),
        ([plan, drawn_plan(0, 6)], [0, 1], "all of one length"),
        ([plan], [0, 1], "2 seeds for 1 plans"),
        ([plan], [-1], "1 seeds for 1 plans: expected one each, 0 or more"),
    ):
        with pytest.raises(ModelError, match=message):
            baseline.make_codes(plans, seeds=seeds)


def test_a_folder_that_holds_no_baseline_is_refused(tmp_path):
    with pytest.raises(ModelError, match="a model of kind 'genre', expected one of prior, gru, ngram, gan"):
        load_baseline(save(tmp_path / "genre", "gan", kind="genre"))
    with pytest.raises(ModelError, match="network: unknown settings depth"):
        load_baseline(save(tmp_path / "deep", "gan", network={"depth": 2}))
    (save(tmp_path / "damaged", "gan") / WEIGHTS_FILE).write_bytes(b"damage")
    with pytest.raises(IntegrityError, match=r"weights\.npz: sha256"):
        load_baseline(tmp_path / "damaged")
