"""Fine-tuning of the pretrained MusiCNN on a corpus, or training it from scratch for comparison.

The network learns genres from single patches through a layer that is thrown away afterwards. Where it starts from
published weights it must also go on naming the tags that it named before (learning without forgetting), since the
page shows them and the music gate listens to them. Training the back end alone is quick: what lies before it is
computed once.

References
----------
Li and Hoiem, "Learning without forgetting", IEEE TPAMI 40(12), 2018.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from datasets.balancing import balanced_indices
from models.checkpoints import load_checkpoint, save_checkpoint
from models.errors import ModelError
from models.musicnn import back_end, musicnn
from models.musicnn_inference import MusicnnInference
from models.tensorflow_runtime import keras, tf

CHECKPOINT_FILE = "backbone.npz"


@dataclass(frozen=True)
class FineTuning:
    """How the backbone is trained.

    Attributes
    ----------
    layers : "back_end" or "all"
        What is trained: the two layers behind the pooling, or everything.
    pretrained : bool
        Whether to start from the published weights; False needs `layers` "all".
    epochs, batch_size, learning_rate
        Of AdamW; a batch is of patches.
    patches : int
        Of each recording in an epoch, drawn anew.
    keep_tags : float
        Weight of naming the tags as before.
    """

    layers: Literal["back_end", "all"] = "back_end"
    pretrained: bool = True
    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 3e-4
    patches: int = 4
    keep_tags: float = 1.0

    def __post_init__(self) -> None:
        if self.layers not in ("back_end", "all"):
            raise ModelError(f"layers={self.layers!r}: expected back_end or all")
        if not self.pretrained and self.layers != "all":
            raise ModelError("pretrained=False: a network of random weights needs all its layers trained")
        for name, low, high in (("epochs", 1, 1000), ("batch_size", 1, 4096), ("patches", 1, 64)):
            if not low <= getattr(self, name) <= high:
                raise ModelError(f"{name}={getattr(self, name)}: expected {low} to {high}")
        if not 1e-7 <= self.learning_rate <= 1 or not 0 <= self.keep_tags <= 100:
            raise ModelError(
                f"learning_rate={self.learning_rate}, keep_tags={self.keep_tags}: expected 1e-7 to 1 and 0 to 100"
            )


def fine_tune(
    weights: dict[str, np.ndarray],
    patches: Sequence[np.ndarray],
    labels: np.ndarray,
    settings: FineTuning = FineTuning(),
    *,
    seed: int = 0,
    work: Path | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> dict[str, np.ndarray]:
    """Train the backbone on labelled patches.

    Parameters
    ----------
    weights : dict of np.ndarray
        Published weights (`models.musicnn_weights.load_weights`).
    patches : sequence of np.ndarray, each (n_patches, 187, 96)
        Log-mel of each recording's patches.
    labels : np.ndarray, shape (n_recordings,)
        Genres, 0 to n_genres - 1.
    settings : FineTuning
        How.
    seed : int
        Of everything drawn.
    work : Path, optional
        Folder of the checkpoint; a training that was stopped goes on from there.
    progress : callable, optional
        Called after each epoch with its number, from 1, and its loss.

    Returns
    -------
    dict of np.ndarray
        Weights of the same names and shapes.

    Raises
    ------
    ModelError
        If there is nothing to learn from, or the checkpoint is damaged or of another training.
    """
    if len(patches) != len(labels) or not len(labels):
        raise ModelError(f"{len(patches)} recordings and {len(labels)} labels: expected as many, and at least one")
    tf.config.experimental.enable_op_determinism()  # see `models.network_fit.fit`
    inference = MusicnnInference(weights)
    if settings.layers == "back_end":
        views = [inference.pooled(each) for each in patches]
        network = back_end(weights)
    else:
        views = list(patches)
        network = musicnn(weights if settings.pretrained else None)
    keras.utils.set_random_seed(seed)
    genre_layer = keras.layers.Dense(int(labels.max()) + 1, name="genre_logits")
    model = keras.Model(network.input, [network.outputs[0], genre_layer(network.outputs[1])])
    if settings.pretrained:
        _freeze_statistics(network)
    teacher = _tags_before(inference, patches) if settings.pretrained and settings.keep_tags else None
    optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=1e-3)
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    step = tf.function(_step_of(model, optimizer, settings.keep_tags if teacher is not None else 0.0))
    losses: list[float] = []
    fingerprint = _fingerprint(settings, seed, labels, patches)
    path = None if work is None else work / CHECKPOINT_FILE
    if path is not None:
        found = load_checkpoint(path, fingerprint=fingerprint, sizes={"now": len(variables)})
        if found is not None:
            losses = found[0]["losses"]
            for variable, value in zip(variables, found[1]["now"], strict=True):
                variable.assign(value)
    while len(losses) < settings.epochs:
        losses.append(_epoch(step, model, views, labels, teacher, settings, seed, len(losses)))
        if path is not None:
            state = {"fingerprint": fingerprint, "losses": losses}
            save_checkpoint(path, state, {"now": [variable.numpy() for variable in variables]})
        if progress is not None:
            progress(len(losses), losses[-1])
    learned = {f"{layer.name}/{v.name}": v.numpy() for layer in network.layers for v in layer.variables}
    return {name: learned.get(name, array) for name, array in weights.items()}


def _freeze_statistics(network: keras.Model) -> None:
    """Normalise as the published network does: the statistics of a small batch would shift what it learned."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _tags_before(inference: MusicnnInference, patches: Sequence[np.ndarray]) -> list[np.ndarray]:
    starts = [np.arange(len(each)) * each.shape[1] for each in patches]
    frames = [each.reshape(-1, each.shape[-1]).astype(np.float32) for each in patches]
    return [inference(own, start).tags for own, start in zip(frames, starts, strict=True)]


def _step_of(model: keras.Model, optimizer: keras.Optimizer, keep_tags: float) -> Callable[..., tf.Tensor]:
    def step(x: tf.Tensor, labels: tf.Tensor, tags: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            named, logits = model(x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            if keep_tags:
                loss += keep_tags * tf.reduce_mean(keras.losses.binary_crossentropy(tags, named))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    return step


def _epoch(
    step: Callable[..., tf.Tensor],
    model: keras.Model,
    views: Sequence[np.ndarray],
    labels: np.ndarray,
    teacher: Sequence[np.ndarray] | None,
    settings: FineTuning,
    seed: int,
    number: int,
) -> float:
    rng = np.random.default_rng([seed, number])
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign([seed % 2**32, number])
    order = np.repeat(balanced_indices(labels, seed=seed, epoch=number), settings.patches)
    order = rng.permutation(order)
    order = np.resize(order, -(-len(order) // settings.batch_size) * settings.batch_size)
    losses = []
    for start in range(0, len(order), settings.batch_size):
        rows = order[start : start + settings.batch_size]
        places = [int(rng.integers(len(views[row]))) for row in rows]
        x = np.stack([views[row][place] for row, place in zip(rows, places, strict=True)]).astype(np.float32)
        if teacher is None:
            tags = np.zeros((len(rows), 0), np.float32)
        else:
            tags = np.stack([teacher[row][place] for row, place in zip(rows, places, strict=True)])
        losses.append(float(step(x, labels[rows], tags)))
    return float(np.mean(losses))


def _fingerprint(settings: FineTuning, seed: int, labels: np.ndarray, patches: Sequence[np.ndarray]) -> str:
    sizes = [len(each) for each in patches]
    text = json.dumps([repr(settings), seed, labels.tolist(), sizes])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
