"""Patches of a recording: where they lie, and that pieces give what the whole gives."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models.backbone import CHUNK_PATCHES, SEGMENT_HOP_FRAMES, Backbone, PatchStream
from models.errors import ModelError
from models.musicnn_inference import Heard


class FirstFrame:
    """A network whose 'tags' and 'embedding' are the first and the last frame of the patch; a frame is its own row."""

    def __init__(self):
        self.n_frames = []

    def __call__(self, frames, starts, rows=None):
        self.n_frames.append(len(frames))
        if rows is not None:
            np.testing.assert_array_equal(rows, frames[: len(rows)])
        return Heard(frames[starts], frames[starts + 186], rows=frames[:-3])


@pytest.fixture
def network():
    return FirstFrame()


@pytest.fixture
def counted():
    """Frames that carry their own number."""
    return np.repeat(np.arange(5000, dtype=np.float32)[:, None], 96, axis=1)


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    from models.paths import backbone_dir

    if not (backbone_dir() / "MSD_musicnn.npz").is_file():
        pytest.skip("no backbone weights (run `make setup`)")
    return Backbone.load()


def test_patches_start_every_one_and_a_half_seconds(network, counted):
    heard = Backbone("MSD_musicnn", network).activations(counted, patch_hop=SEGMENT_HOP_FRAMES)
    starts = heard.taggram[:, 0]
    np.testing.assert_array_equal(starts[:5], [0, 94, 188, 281, 375])
    np.testing.assert_array_equal(heard.embedding[:, 0], starts + 186)
    np.testing.assert_allclose(heard.times_s, 1.5 * np.arange(len(starts)), atol=0.5 / 62.5 + 1e-9)
    assert starts[-1] + 187 <= 5000 < starts[-1] + 187 + 94  # every whole patch, no other


@pytest.mark.parametrize(("n_frames", "n_patches"), [(187, 1), (373, 1), (374, 2), (187 * 41, 41)])
def test_only_whole_patches_count(n_frames, n_patches, network):
    heard = Backbone("MSD_musicnn", network).activations(np.zeros((n_frames, 96), np.float32))
    assert heard.taggram.shape == (n_patches, 96)


@pytest.mark.parametrize("patch_hop", [1, 93.75, 187, 300.5])
@pytest.mark.parametrize("piece", [1, 100, 625, 5000])
def test_pieces_give_what_the_whole_gives(piece, patch_hop, network, counted):
    counted = counted[:2000]
    backbone = Backbone("MSD_musicnn", network)
    stream = backbone.stream(patch_hop=patch_hop)
    for start in range(0, len(counted), piece):
        stream.push(counted[start : start + piece])
    pieces, whole = stream.finish(), backbone.activations(counted, patch_hop=patch_hop)
    np.testing.assert_array_equal(pieces.taggram, whole.taggram)
    np.testing.assert_array_equal(pieces.embedding, whole.embedding)
    np.testing.assert_array_equal(pieces.times_s, whole.times_s)


def test_an_hour_in_bounded_memory(network):
    stream = PatchStream(network, patch_hop=SEGMENT_HOP_FRAMES)
    piece = np.zeros((625, 96), np.float32)  # 10 s
    most = 0
    for _ in range(360):
        stream.push(piece)
        most = max(most, len(stream._frames))
    heard = stream.finish()
    assert len(heard.times_s) == int((225_000 - 187) / SEGMENT_HOP_FRAMES) + 1
    assert max(most, *network.n_frames) <= (CHUNK_PATCHES + 2) * SEGMENT_HOP_FRAMES + 625


@pytest.mark.parametrize(
    ("log_mel", "patch_hop", "message"),
    [
        (np.zeros((186, 96), np.float32), 187, "186 frames, the backbone needs 187"),
        (np.zeros((0, 96), np.float32), 187, "0 frames"),
        (np.zeros((200, 95), np.float32), 187, r"shape \(n, 96\), got \(200, 95\)"),
        (np.zeros(200, np.float32), 187, r"got \(200,\)"),
        (np.zeros((200, 96), np.float32), 0.5, "1 frame or more"),
        (np.zeros((200, 96), np.float32), float("nan"), "1 frame or more"),
        (np.zeros((200, 96), np.float32), float("inf"), "1 frame or more"),
    ],
)
def test_bad_input(log_mel, patch_hop, message, network):
    with pytest.raises(ModelError, match=message):
        Backbone("MSD_musicnn", network).activations(log_mel, patch_hop=patch_hop)


def test_stream_of_the_real_network_equals_the_whole(backbone, rng):
    log_mel = rng.uniform(0, 4, (187 + 94 * (CHUNK_PATCHES + 3), 96)).astype(np.float32)
    whole = backbone.activations(log_mel, patch_hop=SEGMENT_HOP_FRAMES)
    stream = backbone.stream(patch_hop=SEGMENT_HOP_FRAMES)
    for start in range(0, len(log_mel), 333):
        stream.push(log_mel[start : start + 333])
    np.testing.assert_allclose(stream.finish().taggram, whole.taggram, atol=1e-6)
    # Overlapping patches share work; each alone must give the same.
    alone = backbone.activations(log_mel[94 : 94 + 187])
    np.testing.assert_allclose(whole.taggram[1], alone.taggram[0], atol=1e-5)


def test_several_threads_get_their_own_answers(backbone, rng):
    recordings = [rng.uniform(0, 4, (187 * 2, 96)).astype(np.float32) for _ in range(6)]
    expected = [backbone.activations(log_mel).taggram for log_mel in recordings]
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda log_mel: backbone.activations(log_mel).taggram, recordings))
    for answer, want in zip(answers, expected, strict=True):
        np.testing.assert_allclose(answer, want, atol=1e-6)


def test_tags_are_those_of_the_corpus(backbone):
    assert backbone.tags[:3] == ("rock", "pop", "alternative")
    assert len(set(backbone.tags)) == 50


def test_silence_and_warm_up(backbone):
    backbone.warm_up()
    taggram = backbone.activations(np.zeros((187, 96), np.float32)).taggram
    assert np.isfinite(taggram).all()
    assert ((taggram >= 0) & (taggram <= 1)).all()


def test_no_tensorflow_is_loaded_to_listen(backbone_weights):
    """A cold start may not pay for TensorFlow, which takes longer to import than a recording to classify."""
    import subprocess
    import sys

    code = "import sys, models.backbone as m; m.Backbone.load().warm_up(); print('tensorflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
    assert run.stderr == ""


@pytest.mark.parametrize("name", ["MSD_vgg", "MTT_vgg"])
def test_vgg_backbones(name, backbone_weights, rng):
    heard = Backbone.load(name).activations(rng.uniform(0, 4, (400, 96)).astype(np.float32))
    assert heard.taggram.shape == (2, 50)
    assert heard.embedding.shape == (2, 256)
