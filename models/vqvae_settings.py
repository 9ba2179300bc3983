"""Shape of the autoencoder, as its card states it: read without loading TensorFlow."""

from dataclasses import dataclass

from models.errors import ModelError
from models.setting_ranges import check_ranges


@dataclass(frozen=True)
class TrunkSettings:
    """Shape of a network of residual convolutions.

    Attributes
    ----------
    width : int
        Channels of every layer.
    kernel : int
        Places in time that a convolution of a block spans, odd.
    dilations : tuple of int
        One residual block each.
    """

    width: int = 256
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 3, 9, 1, 3)

    def __post_init__(self) -> None:
        check_ranges(self, width=(1, 2048), kernel=(1, 31))
        if self.kernel % 2 == 0:
            raise ModelError(f"kernel={self.kernel}: expected an odd number, so that a latent has a middle")
        dilations = self.dilations if isinstance(self.dilations, tuple) else ()
        if not 1 <= len(dilations) <= 32 or not all(type(each) is int and 1 <= each <= 64 for each in dilations):
            raise ModelError(f"dilations={self.dilations!r}: expected 1 to 32 numbers from 1 to 64")

    @property
    def context(self) -> int:
        """Places in time on either side that an answer depends on."""
        return (1 + sum(self.dilations)) * (self.kernel // 2)


@dataclass(frozen=True)
class VqvaeSettings(TrunkSettings):
    """Shape of an autoencoder on log-mel; encoder and decoder have a trunk each.

    Attributes
    ----------
    time_stride : int
        Frames that share a latent: 1 for 43 latents a second, 2 for 21.5.
    latent_dim : int
        Size of a latent, and of a codebook's vectors.
    n_codebooks, n_codes : int
        Codebooks, each of which quantises what the ones before left, and the vectors in each.
    """

    time_stride: int = 1
    latent_dim: int = 32
    n_codebooks: int = 4
    n_codes: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(
            self,
            time_stride=(1, 16),
            latent_dim=(1, 512),
            n_codebooks=(1, 32),
            n_codes=(2, 65536),
        )
