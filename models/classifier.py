"""The genre classifier: a recording in, a calibrated answer out."""

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from features.analysis import AnalysisSettings, analyse
from features.audio import Source
from features.errors import FeatureError
from models.backbone import SEGMENT_HOP_FRAMES, Backbone
from models.classification import Classification, TagActivation
from models.explain import evidence
from models.heads import Head, load_head
from models.listening import Listening, Run, listen
from models.music_gate import MusicGate
from models.registry import ModelRegistry
from models.segmentation import runs_of, segments_of

TOP_TAGS = 10


class GenreClassifier:
    """Names the genre of recordings, with an honest probability.

    Parameters
    ----------
    name : str
        Name of the model, given with every answer.
    backbone : Backbone
        Hears the windows of a recording.
    head : Head
        Names the genre from what the backbone hears.
    gate : MusicGate
        Says whether there is music at all.

    Examples
    --------
    >>> from models import GenreClassifier
    >>> answer = GenreClassifier.load().predict("song.mp3")  # doctest: +SKIP
    >>> answer.genre, answer.probabilities["jazz"]  # doctest: +SKIP
    ('jazz', 0.87)
    """

    def __init__(self, *, name: str, backbone: Backbone, head: Head, gate: MusicGate) -> None:
        self.name = name
        self.backbone = backbone
        self.head = head
        self.gate = gate

    @classmethod
    def load(cls, name: str | None = None, *, registry: ModelRegistry | None = None) -> "GenreClassifier":
        """Load a registered model, the active one by default.

        Raises
        ------
        UnknownModel
            If no model has this name.
        IntegrityError
            If its files are not those of its card.
        BackboneMissing
            If the pretrained weights have not been set up.
        """
        registry = registry or ModelRegistry()
        entry = registry.active("genre") if name is None else registry.get(name)
        head = load_head(entry.path)
        gate = MusicGate.load(registry.active("gate").path)
        if head.backbone_weights is None:
            backbone = Backbone.load(head.backbone)
        else:
            backbone = Backbone.of_weights(head.backbone, head.backbone_weights)
        return cls(name=entry.name, backbone=backbone, head=head, gate=gate)

    @property
    def genres(self) -> tuple[str, ...]:
        """Genres that this model knows."""
        return self.head.genres

    @property
    def analysis_settings(self) -> AnalysisSettings:
        """What must be computed of a recording for this model to answer with all that it can."""
        return AnalysisSettings(scalogram=self.head.needs_scalogram)

    def warm_up(self) -> None:
        """Pay compilation now, so that the first recording does not."""
        self.backbone.warm_up()

    def predict(
        self,
        source: Source | np.ndarray,
        *,
        sr: int | None = None,
        attributes: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> Classification:
        """Name the genre of a file, an open file, or samples.

        Parameters
        ----------
        source : path, binary file, or np.ndarray of shape (n,) or (n, channels)
            The recording, 0.5 s or more. Samples have full scale at 1.0.
        sr : int, optional
            Sampling rate in Hz; required for samples, refused for files.
        attributes : bool
            Also measure tempo, key, loudness and the other musical attributes.
        progress : callable, optional
            Called with the share that is done, 0 to 1.

        Raises
        ------
        AudioError
            If the recording cannot be used; the message says why.
        FeatureError
            If samples come without their sampling rate.
        """
        settings = replace(self.analysis_settings, attributes=attributes)
        if not isinstance(source, np.ndarray):
            if sr is not None:
                raise FeatureError(f"sr={sr}: a file states its own sampling rate; pass sr with samples only")
            with analyse(source, settings) as run:
                return self.decide(self.listen(run, progress=progress))
        if sr is None:
            raise FeatureError("samples without their sampling rate: pass sr, such as sr=44100")
        with analyse(_as_wav(source, sr), settings) as run:
            return replace(self.decide(self.listen(run, progress=progress)), format="samples")

    def listen(self, run: Run, *, progress: Callable[[float], None] | None = None) -> Listening:
        """What the backbone hears in windows of 3.0 s every 1.5 s."""
        return listen(run, self.backbone, patch_hop=SEGMENT_HOP_FRAMES, progress=progress)

    def decide(self, heard: Listening) -> Classification:
        """The answer about what was heard."""
        info = heard.analysis.info
        taggram = heard.activations.taggram
        reason = self.gate.decide(taggram[heard.sounding], heard.analysis)
        if reason is None:
            views = self.head.views(heard)
            track = self.head.track_probabilities(views[heard.sounding])
            windows = self.head.segment_probabilities(views)
            prediction_set = self.head.prediction_set(track)
            abstained = self.head.abstains(prediction_set)
            if abstained:
                reason = f"{len(prediction_set)} genres are possible: too many to choose from"
            sounding = heard.sounding
            genre: str | None = self.genres[int(track.argmax())]
            moved = evidence(self.head, views, sounding=sounding, duration_s=info.duration_s or 0.0)
        else:
            track = np.full(len(self.genres), 1 / len(self.genres))
            windows = np.tile(track, (len(taggram), 1))
            prediction_set, abstained, genre, moved = self.genres, True, None, ()
            sounding = np.zeros(len(taggram), dtype=bool)
        duration_s = float(info.duration_s or 0.0)
        return Classification(
            model=self.name,
            duration_s=round(duration_s, 3),
            sample_rate=info.sample_rate,
            channels=info.channels,
            format=info.format,
            genre=genre,
            probabilities={name: round(float(p), 4) for name, p in zip(self.genres, track, strict=True)},
            prediction_set=prediction_set,
            coverage=self.head.coverage,
            abstained=abstained,
            reason=reason,
            short=heard.short,
            tags=self._top_tags(taggram),
            segments=segments_of(windows, sounding, genres=self.genres, duration_s=duration_s),
            runs=runs_of(windows, sounding, genres=self.genres, duration_s=duration_s),
            evidence=moved,
            attributes=heard.analysis.attributes,
        )

    def _top_tags(self, taggram: np.ndarray) -> tuple[TagActivation, ...]:
        mean = taggram.mean(axis=0)
        best = mean.argsort()[::-1][:TOP_TAGS]
        return tuple(TagActivation(self.backbone.tags[i], round(float(mean[i]), 4)) for i in best)


def _as_wav(y: np.ndarray, sr: int) -> io.BytesIO:
    """Samples as a file in memory, so that they take the same way as every recording."""
    import soundfile

    if y.ndim not in (1, 2) or not np.issubdtype(y.dtype, np.floating):
        raise FeatureError(f"expected float samples of shape (n,) or (n, channels), got {y.dtype} {y.shape}")
    buffer = io.BytesIO()
    soundfile.write(buffer, y, sr, format="WAV", subtype="FLOAT")
    buffer.seek(0)
    return buffer
