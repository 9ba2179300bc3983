"""Errors of the feature layer: what arrived, what was wanted, the way out.

Everything that a caller can do wrong with sound is a `FeatureError`; what is wrong with one
recording is an `AudioError`, so that a batch can report the file and go on.
"""


class FeatureError(ValueError):
    """An array or a setting that a feature cannot be computed from."""


class AudioError(FeatureError):
    """A recording that cannot be used."""


class UnreadableFile(AudioError):
    """The path is missing, a folder, or may not be read."""


class EmptyFile(AudioError):
    """The file has no bytes, or holds no audio sample."""


class UnsupportedFormat(AudioError):
    """The content is in no format or codec that is decoded here."""


class CorruptAudio(AudioError):
    """The content is damaged: truncated, or its header promises what is not there."""


class InvalidSamples(AudioError):
    """The samples are not numbers that sound can have (NaN or infinite)."""


class NoProvenance(AudioError):
    """The file does not say that it was made here."""


class ClipTooShort(AudioError):
    """Less audio than the shortest clip that is answered."""


class AudioTooLong(AudioError):
    """More audio than the limit in force."""


class DecoderLimitExceeded(AudioError):
    """Decoding took more time or memory than one recording is given."""
