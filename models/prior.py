"""The prior: a causal transformer that predicts the codes of each step from those before and from the plan.

Inputs are a dictionary `codes` (batch, step, codebook), the delayed codes of the step before, `n_codes` where there
is none; `plan` (batch, step, FRAME_WIDTH), the plan of the frame whose first codebook the step says; `overall`
(batch, overall_width). The output is logits (batch, step, codebook, n_codes) of the step's delayed codes.

Attention looks back `window` steps and no further, in training too, so that a clip of any length is made of
situations that were trained on, in constant memory.

References
----------
Vaswani et al., "Attention is all you need", NeurIPS 2017.
Su et al., "RoFormer: enhanced transformer with rotary position embedding", 2021.
So et al., "Primer: searching for efficient transformers for language modeling", NeurIPS 2021 (squared ReLU).
Zhang and Sennrich, "Root mean square layer normalization", NeurIPS 2019.
"""

from typing import Any

import numpy as np

from models.named_weights import named_weights
from models.plan import FRAME_WIDTH, overall_width
from models.prior_inference import EPSILON, rotations
from models.prior_settings import CodeSettings, PriorSettings
from models.tensorflow_runtime import keras

ops = keras.ops
HIDDEN = -1e9  # added to scores of steps that attention does not see


def build(settings: PriorSettings, *, precision: str = "float32") -> keras.Model:
    """A prior with random weights; inputs and output as this module's head says.

    With the precision "mixed_bfloat16" products are taken of 16-bit numbers, which processors that have them do
    several times as fast; weights, sums and softmax keep 32 bits.
    """
    inputs, x = told(settings, settings.width, precision=precision)
    small = keras.initializers.VarianceScaling(1 / (2 * settings.n_layers))  # what is added 2 * n_layers times
    for i in range(settings.n_layers):
        heard = _normalised(x, f"layer_{i}_normalise_attention")
        heard = keras.layers.Dense(3 * settings.width, use_bias=False, dtype=precision, name=f"layer_{i}_qkv")(heard)
        heard = RotaryAttention(settings.n_heads, settings.window, dtype=precision, name=f"layer_{i}_attention")(heard)
        heard = keras.layers.Dense(
            settings.width, use_bias=False, kernel_initializer=small, dtype=precision, name=f"layer_{i}_attended"
        )(heard)
        x = x + keras.layers.Dropout(settings.dropout)(heard)
        wide = _normalised(x, f"layer_{i}_normalise_mlp")
        wide = keras.layers.Dense(4 * settings.width, use_bias=False, dtype=precision, name=f"layer_{i}_widen")(wide)
        narrow = keras.layers.Dense(
            settings.width, use_bias=False, kernel_initializer=small, dtype=precision, name=f"layer_{i}_narrow"
        )(ops.square(ops.relu(wide)))
        x = x + keras.layers.Dropout(settings.dropout)(narrow)
    logits = predicted(_normalised(x, "normalise"), settings, precision=precision)
    return keras.Model(inputs, logits, name="prior")


def told(
    settings: CodeSettings, width: int, *, precision: str = "float32"
) -> tuple[dict[str, keras.KerasTensor], keras.KerasTensor]:
    """Inputs of a network over codes, and the sum of all that they tell each step: (batch, step, width)."""
    inputs = {
        "codes": keras.Input((None, settings.n_codebooks), dtype="int32", name="codes"),
        "plan": keras.Input((None, FRAME_WIDTH), name="plan"),
        "overall": keras.Input((overall_width(settings.n_genres),), name="overall"),
    }
    offsets = np.arange(settings.n_codebooks) * (settings.n_codes + 1)  # one table for all codebooks
    table = keras.layers.Embedding(
        settings.n_codebooks * (settings.n_codes + 1), width, embeddings_initializer="normal", name="embed_codes"
    )
    # The codes of a step are those of the step before it; before the first there are none.
    recent = ((0, 0), (settings.recent_steps - 1, 0), (0, 0))
    codes = ops.pad(inputs["codes"], recent, constant_values=settings.n_codes) + ops.cast(offsets, "int32")
    told_codes = ops.sum(table(codes), axis=2)
    codes = keras.layers.Conv1D(width, settings.recent_steps, dtype=precision, name="recent_codes")(told_codes)
    # The last codebook says the frame of n_codebooks - 1 steps ago.
    around = ops.pad(inputs["plan"], ((0, 0), (settings.n_codebooks - 1, settings.look_ahead), (0, 0)))
    taps = settings.n_codebooks + settings.look_ahead
    plan = keras.layers.Conv1D(width, taps, dtype=precision, name="plan_frames")(around)
    overall = keras.layers.Dense(width, name="plan_overall")(inputs["overall"])
    return inputs, ops.cast(codes, "float32") + plan + ops.expand_dims(overall, 1)


def predicted(x: keras.KerasTensor, settings: CodeSettings, *, precision: str = "float32") -> keras.KerasTensor:
    """Logits of all codebooks: (batch, step, width) to (batch, step, codebook, n_codes)."""
    small = keras.initializers.RandomNormal(stddev=0.02)
    flat = keras.layers.Dense(
        settings.n_codebooks * settings.n_codes, kernel_initializer=small, dtype=precision, name="logits"
    )(x)
    return keras.layers.Reshape((-1, settings.n_codebooks, settings.n_codes))(flat)


@keras.saving.register_keras_serializable(package="genrelab")
class RotaryAttention(keras.layers.Layer):
    """Attention to the last `window` steps, whose queries and keys are turned by their places.

    (batch, step, 3 * width) of queries, keys and values to (batch, step, width).
    """

    def __init__(self, n_heads: int, window: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n_heads = n_heads
        self.window = window

    def call(self, qkv: keras.KerasTensor) -> keras.KerasTensor:
        """Attend, each step to itself and to those before it."""
        n_steps, width = ops.shape(qkv)[1], qkv.shape[-1] // 3
        size = width // self.n_heads
        q, k, v = ops.unstack(ops.reshape(qkv, (-1, n_steps, 3, self.n_heads, size)), axis=2)
        steps = ops.arange(n_steps)
        angles = ops.cast(steps, "float32")[:, None] * ops.convert_to_tensor(rotations(size), "float32")
        cos, sin = ops.cos(angles)[:, None], ops.sin(angles)[:, None]
        q, k = (ops.cast(_turned(ops.cast(each, "float32"), cos, sin), v.dtype) for each in (q, k))
        back = ops.expand_dims(steps, 1) - ops.expand_dims(steps, 0)
        mask = ops.where((back >= 0) & (back < self.window), 0.0, HIDDEN)
        scores = ops.cast(ops.einsum("bqhd,bkhd->bhqk", q, k), "float32") / float(np.sqrt(size)) + mask
        heard = ops.einsum("bhqk,bkhd->bqhd", ops.cast(ops.softmax(scores, axis=-1), v.dtype), v)
        return ops.reshape(heard, (-1, n_steps, width))

    def compute_output_shape(self, qkv_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """A third of the features."""
        assert qkv_shape[-1] is not None
        return (*qkv_shape[:-1], qkv_shape[-1] // 3)

    def get_config(self) -> dict[str, Any]:
        """Its settings."""
        return super().get_config() | {"n_heads": self.n_heads, "window": self.window}


def arrays_of(network: keras.Model) -> dict[str, np.ndarray]:
    """The weights of a network over codes, as inference in NumPy takes them: "layer/weight"."""
    return {name: weight.numpy() for name, weight in named_weights(network).items()}


def _normalised(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.RMSNormalization(epsilon=EPSILON, name=name)(x)


def _turned(x: keras.KerasTensor, cos: keras.KerasTensor, sin: keras.KerasTensor) -> keras.KerasTensor:
    one, other = ops.split(x, 2, axis=-1)
    return ops.concatenate([one * cos - other * sin, one * sin + other * cos], axis=-1)
