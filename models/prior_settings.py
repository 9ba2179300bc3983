"""What a prior over codes is, in numbers: read with its weights, and needed without TensorFlow."""

from dataclasses import dataclass

from models.errors import ModelError
from models.setting_ranges import check_ranges


@dataclass(frozen=True)
class CodeSettings:
    """The codes that are predicted, and what is told of them; a prior of any kind has these.

    Attributes
    ----------
    n_codebooks, n_codes : int
        Codebooks, and entries of each.
    n_genres : int
        In the mix that the plan tells.
    look_ahead : int
        Frames of the plan after the step's own that a step is told: a chord is prepared before it sounds.
    recent_steps : int
        Steps before its own whose codes a step is told directly: what follows is learned from them far sooner than
        by attention alone.
    """

    n_codebooks: int = 4
    n_codes: int = 1024
    n_genres: int = 14
    look_ahead: int = 16
    recent_steps: int = 4

    def __post_init__(self) -> None:
        check_ranges(
            self,
            n_codebooks=(1, 32),
            n_codes=(2, 65_534),
            n_genres=(1, 1000),
            look_ahead=(0, 1000),
            recent_steps=(1, 64),
        )


@dataclass(frozen=True)
class PriorSettings(CodeSettings):
    """Shape of a transformer over codes.

    Attributes
    ----------
    width : int
        Of the residual stream; a multiple of 2 * `n_heads`.
    n_layers, n_heads : int
        Blocks of attention and perceptron, and heads of each attention.
    window : int
        Steps that attention sees, its own among them.
    dropout : float
        Of what each block adds.
    """

    width: int = 256
    n_layers: int = 6
    n_heads: int = 4
    window: int = 320
    dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, width=(2, 4096), n_layers=(1, 64), n_heads=(1, 64), window=(1, 100_000), dropout=(0.0, 0.9))
        if self.width % (2 * self.n_heads):
            raise ModelError(f"width={self.width}: expected a multiple of 2 * n_heads = {2 * self.n_heads}")


@dataclass(frozen=True)
class GruSettings(CodeSettings):
    """Shape of a recurrent network over codes.

    Attributes
    ----------
    width, n_layers : int
        Units of each layer, and layers.
    dropout : float
        Before each layer.
    """

    width: int = 384
    n_layers: int = 2
    dropout: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_ranges(self, width=(1, 4096), n_layers=(1, 64), dropout=(0.0, 0.9))
