"""Shape of the vocoder, as its card states it: read without loading TensorFlow."""

from dataclasses import dataclass

from models.errors import ModelError
from models.setting_ranges import check_ranges


@dataclass(frozen=True)
class VocoderSettings:
    """Shape of a vocoder, and how its spectra become sound.

    Attributes
    ----------
    width, hidden : int
        Channels between blocks, and in the middle of one.
    kernel : int
        Frames that a convolution spans, odd.
    n_blocks : int
        Residual blocks.
    rounds : int
        Of phase refinement, after the phases that the network proposes.
    matchings : int
        Times that the spectrum is scaled towards the log-mel that it was made from; 0 trusts the network alone.
    """

    width: int = 256
    hidden: int = 768
    kernel: int = 7
    n_blocks: int = 6
    rounds: int = 4
    matchings: int = 2

    def __post_init__(self) -> None:
        check_ranges(
            self,
            width=(1, 2048),
            hidden=(1, 8192),
            kernel=(1, 31),
            n_blocks=(1, 32),
            rounds=(0, 256),
            matchings=(0, 64),
        )
        if self.kernel % 2 == 0:
            raise ModelError(f"kernel={self.kernel}: expected an odd number, so that a frame has a middle")

    @property
    def context(self) -> int:
        """Frames on either side that the spectrum of a frame depends on."""
        return (1 + self.n_blocks) * (self.kernel // 2)
