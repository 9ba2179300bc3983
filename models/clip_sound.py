"""From codes to sound, block by block: decoder, vocoder, and the recording that a clip keeps parts of."""

from collections.abc import Iterator

import numpy as np

from features.log_mel import HOP_LENGTH
from models.blas_threads import one_blas_thread
from models.vocoder import Vocoder, VocoderStream
from models.vqvae_inference import DecodeStream, VqvaeInference

DECODED_FRAMES = 256  # 6 s


def frames_for(n_samples: int) -> int:
    """Frames of codes that are needed for so many samples, at least one."""
    return 1 + -(-n_samples // HOP_LENGTH)


def sound_of_codes(
    codes: np.ndarray,
    *,
    autoencoder: VqvaeInference,
    vocoder: Vocoder,
    n_samples: int,
) -> Iterator[np.ndarray]:
    """Samples of codes (n_codebooks, n_frames): mono float32 at `features.log_mel.SR`, in blocks, `n_samples` in all.

    The same numbers each time, in memory that does not grow with the number of frames.
    """
    left = n_samples
    decoder, speaker = DecodeStream(autoencoder), VocoderStream(vocoder)
    for start in range(0, codes.shape[1] + DECODED_FRAMES, DECODED_FRAMES):
        piece = codes[:, start : start + DECODED_FRAMES]
        with one_blas_thread():
            last = piece.shape[1] == 0
            S = decoder.finish() if last else decoder.push(piece)
            y = speaker.push(S)
            if last:
                y = np.concatenate([y, speaker.finish()])
        y = y[:left]
        left -= y.size
        if y.size:
            yield y


def joined(blocks: Iterator[np.ndarray], recording: np.ndarray, kept: np.ndarray) -> Iterator[np.ndarray]:
    """What was made, but for the frames that a recording is kept in.

    Parameters
    ----------
    blocks : iterator of np.ndarray
        Samples that were made.
    recording : np.ndarray, shape (n_samples,)
        From the clip's start.
    kept : np.ndarray of bool, shape (n_frames,)
        Frames that sound as they do in the recording; between one that does and one that does not, a frame's length,
        one fades over into the other.
    """
    start = 0
    for y in blocks:
        own = np.zeros_like(y)
        there = recording[start : start + y.size]
        own[: there.size] = there
        share = np.interp(np.arange(start, start + y.size) / HOP_LENGTH, np.arange(kept.size), kept).astype(np.float32)
        share[there.size :] = 0
        yield share * own + (1 - share) * y
        start += y.size
