"""An adversarial baseline: noise and a plan become latents in one go, and those the nearest codes.

The generator is a network of convolutions over time, so that it makes any length, and a long clip is a chain of
situations as long as the crops that it was trained on. It is told the plan frame by frame, as the prior is. Nothing
ties what is far apart but the plan and a slow share of the noise.

References
----------
Goodfellow et al., "Generative adversarial nets", NeurIPS 2014.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import ModelError
from models.plan import FRAME_WIDTH, Plan, overall_width
from models.residual_network import residual_network
from models.setting_ranges import check_ranges
from models.vqvae_inference import nearest_codes
from models.vqvae_settings import TrunkSettings


@dataclass(frozen=True)
class GanSettings(TrunkSettings):
    """Shape of generator and critic.

    Attributes
    ----------
    latent_dim : int
        Size of a latent.
    n_genres : int
        In the mix that the plan tells.
    n_noise : int
        Numbers that are drawn for each frame, and again for each `slow_frames` frames.
    slow_frames : int
        Frames that share their slow noise.
    critic_width : int
        Channels of every layer of the critic.
    """

    width: int = 96
    dilations: tuple[int, ...] = (1, 3, 9, 27, 1)
    latent_dim: int = 32
    n_genres: int = 14
    n_noise: int = 8
    slow_frames: int = 32
    critic_width: int = 96

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(
            self,
            latent_dim=(1, 512),
            n_genres=(1, 1000),
            n_noise=(1, 1024),
            slow_frames=(1, 100_000),
            critic_width=(1, 2048),
        )

    @property
    def told_width(self) -> int:
        """Numbers of the plan that a frame is told."""
        return FRAME_WIDTH + overall_width(self.n_genres)


class GanInference:
    """One trained generator; safe to use from several threads.

    Parameters
    ----------
    arrays : mapping of str to np.ndarray
        Weights of "generator/…"; `codebooks` (n_codebooks, n_codes, latent_dim) of the autoencoder; `latent_mean` and
        `latent_spread` (latent_dim,), with which what the generator makes becomes latents.
    settings : GanSettings
        Of the network.

    Raises
    ------
    ModelError
        If an array is missing or does not fit the settings.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], settings: GanSettings) -> None:
        self.settings = settings
        self._arrays = {name: np.asarray(array, np.float32) for name, array in arrays.items()}
        try:
            self._codebooks = self._arrays["codebooks"]
            self._mean, self._spread = self._arrays["latent_mean"], self._arrays["latent_spread"]
            expected = (settings.latent_dim,)
            if self._codebooks.ndim != 3 or not self._mean.shape == self._spread.shape == expected:
                raise ValueError(f"latents of shape {self._mean.shape}, expected {expected}")
            self._codes(np.zeros((1, settings.told_width + 2 * settings.n_noise), np.float32))
        except KeyError as error:
            raise ModelError(f"no adversarial network: {error} is missing") from error
        except (IndexError, TypeError, ValueError) as error:
            raise ModelError(f"no adversarial network: its arrays do not fit its settings ({error})") from error

    @property
    def n_codebooks(self) -> int:
        """Codebooks of what it makes."""
        return len(self._codebooks)

    def make_codes(self, plan: Plan, *, seed: int) -> np.ndarray:
        """Codes of a clip.

        Parameters
        ----------
        plan : Plan
            What is made, and how long it is.
        seed : int
            Of the noise, 0 or more.

        Returns
        -------
        np.ndarray of int32, shape (n_codebooks, n_frames)

        Raises
        ------
        ModelError
            If the plan is of another number of genres, or the seed is negative.
        """
        if plan.n_genres != self.settings.n_genres or plan.n_frames < 1:
            raise ModelError(
                f"a plan of {plan.n_frames} frames for {plan.n_genres} genres: expected 1 or more, for "
                f"{self.settings.n_genres}"
            )
        if seed < 0:
            raise ModelError(f"seed={seed}: expected 0 or more")
        noise = draw_noise(np.random.default_rng(seed), plan.n_frames, self.settings)
        return self._codes(np.concatenate([told_of(plan), noise], axis=1))

    def _codes(self, x: np.ndarray) -> np.ndarray:
        made = residual_network(self._arrays, "generator", x, self.settings.dilations)
        return nearest_codes(made * self._spread + self._mean, self._codebooks)


def told_of(plan: Plan) -> np.ndarray:
    """What each frame is told of its plan: (n_frames, told_width) float32."""
    overall = np.broadcast_to(plan.overall, (plan.n_frames, plan.overall.size))
    return np.concatenate([plan.frames, overall], axis=1).astype(np.float32)


def draw_noise(rng: np.random.Generator, n_frames: int, settings: GanSettings) -> np.ndarray:
    """Noise of each frame, then noise that frames share: (n_frames, 2 * n_noise) float32."""
    n_slow = -(-n_frames // settings.slow_frames)
    quick = rng.standard_normal((n_frames, settings.n_noise), np.float32)
    slow = rng.standard_normal((n_slow, settings.n_noise), np.float32)
    return np.concatenate([quick, slow.repeat(settings.slow_frames, axis=0)[:n_frames]], axis=1)


def latent_scale(latents: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of latents, each (n, latent_dim), over all of them: (latent_dim,) float32 twice."""
    n = sum(map(len, latents))
    mean = sum(each.sum(axis=0, dtype=np.float64) for each in latents) / n
    power = sum(((each - mean) ** 2).sum(axis=0) for each in latents) / n
    return mean.astype(np.float32), np.sqrt(np.maximum(power, 1e-12)).astype(np.float32)
