"""The two sides of the HTTP contract of labelling projects, as `service.api.schemas` has those of the rest."""

from typing import Any

from apiflask import Schema
from apiflask.fields import Boolean, Dict, File, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length, OneOf, Range, Regexp
from marshmallow import EXCLUDE, ValidationError

from datasets.labels import WRITABLE
from service.api.schemas import MAX_PAGE, JobSchema, PageQuery, QuerySchema
from service.errors import Invalid
from service.project_settings import ProjectSettings
from service.storage.label_queue import FLAGS
from service.storage.projects import MAX_GENRES, checked_name

CONFIG = "label-studio-config"  # an export that holds no labels
ITEM_STATES = ("open", "labelled", "set_aside")
VERSION_STATES = ("active", "superseded", "refused")
MAX_NUMBER = 1 << 53  # up to where every reader of JSON has whole numbers
MAX_TASKS = 1000
MAX_WORDS = 1000  # characters of what the store reads more closely

_SETTINGS = {
    "properties": ProjectSettings.model_json_schema()["properties"],
    "description": "any of them; the others keep their values",
}


class _Truth(Boolean):
    """`true` or `false` of JSON, and nothing that is taken for it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        truth: bool = super()._deserialize(value, attr, data, **kwargs)
        if value is not truth:
            raise self.make_error("invalid", input=value)
        return truth


class _Name(String):
    """A name of a project or an annotator, as names are kept."""

    def __init__(self, what: str, description: str) -> None:
        super().__init__(metadata={"description": description})
        self._what = what

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        name: str = super()._deserialize(value, attr, data, **kwargs)
        try:
            return checked_name(name, self._what)
        except Invalid as error:
            raise ValidationError(str(error)) from error


def _flag(**options: Any) -> Boolean:
    """A truth in a query or a form."""
    return Boolean(truthy={"true"}, falsy={"false"}, load_default=False, **options)


class ProjectQuery(QuerySchema):
    """Which project."""

    project = _Name("project", "id or name; may be left out where only one is open")


class ActsQuery(ProjectQuery):
    """Which answers."""

    annotator = _Name("annotator", "only theirs")
    cursor = String(
        validate=Regexp(r"^[1-9][0-9]{0,17}$", error="This is no cursor: take `next_cursor` as it is."),
        metadata={"description": "`next_cursor` of the page before"},
    )
    limit = Integer(load_default=50, validate=Range(min=1, max=MAX_PAGE))


class ItemsQuery(PageQuery):
    """Which items of a pool."""

    state = String(validate=OneOf(ITEM_STATES))


class EventsQuery(QuerySchema):
    """Which events."""

    after = Integer(load_default=0, validate=Range(min=0, max=MAX_NUMBER), metadata={"description": "number of one"})
    limit = Integer(load_default=100, validate=Range(min=1, max=1000))


class ExportQuery(QuerySchema):
    """In which format labels are wanted."""

    format = String(load_default="csv", validate=OneOf([*WRITABLE, CONFIG]))
    unlabelled = _flag(metadata={"description": "whether items of which nothing was said are wanted too"})


class ImportForm(Schema):
    """A file of labels."""

    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE

    file = File(required=True, metadata={"description": "the file"})
    format = String(
        load_default="",
        validate=OneOf(["", *WRITABLE]),
        metadata={"description": "left out or empty, the name's ending or the content tells it"},
    )
    add_genres = _flag(metadata={"description": "whether unknown genres join the taxonomy"})


class NewProject(Schema):
    """A project to begin."""

    name = String(required=True, validate=Length(max=MAX_WORDS))
    genres = List(String(validate=Length(max=MAX_WORDS)), load_default=list, validate=Length(max=MAX_GENRES))
    settings = Dict(keys=String(), load_default=dict, metadata=_SETTINGS)


class ProjectChange(Schema):
    """What is to be changed of a project; what is left out stays."""

    name = String(validate=Length(max=MAX_WORDS))
    closed = _Truth()
    settings = Dict(keys=String(), load_default=dict, metadata=_SETTINGS)


class NewGenre(Schema):
    """A genre's name."""

    name = String(required=True, validate=Length(max=MAX_WORDS))


class Merge(Schema):
    """What a genre is merged into."""

    into = String(required=True, metadata={"description": "id of the genre that stays"})


class NewItems(Schema):
    """Tracks to be labelled: some by their ids, or all of the library."""

    tracks = List(
        String(validate=Regexp(r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", error="This is no id of a track.")),
        validate=Length(min=1),
    )
    all = _Truth(load_default=False)


class TrainingRequest(Schema):
    """Whose model is to be trained."""

    project = _Name("project", "id or name; may be left out where only one is open")


class Publication(Schema):
    """What the model is to be called."""

    name = String(validate=Length(1, MAX_WORDS), metadata={"description": "made of the project's where left out"})


class AnnotatorRequest(Schema):
    """Who asks."""

    annotator = _Name("annotator", "only on a machine without tokens; `me` where left out")


class LeaseRequest(AnnotatorRequest):
    """Whose next item is wanted."""

    project = _Name("project", "id or name; may be left out where only one is open")


class SkipRequest(AnnotatorRequest):
    """Why an item is left to others."""

    reason = String(load_default=None, allow_none=True)


class FlagRequest(AnnotatorRequest):
    """What is wrong with an item."""

    flag = String(load_default=None, validate=OneOf(FLAGS), metadata={"description": "always needed"})
    note = String(load_default=None, allow_none=True)


class LabelRequest(AnnotatorRequest):
    """An answer to a lease: genres by name, or none of them."""

    lease = String(required=True)
    genres = List(String(validate=Length(max=MAX_WORDS)), load_default=list, validate=Length(max=MAX_GENRES))
    none = _Truth(load_default=False)
    unsure = _Truth(load_default=False)
    note = String(load_default=None, allow_none=True)
    next = _Truth(load_default=False, metadata={"description": "whether the next item is wanted in the same answer"})


class _FromLabelStudio(Schema):
    class Meta:
        """Options of marshmallow."""

        unknown = EXCLUDE


class SetupRequest(_FromLabelStudio):
    """What Label Studio tells of its project; only the labelling configuration is read."""

    schema = String(required=True, metadata={"description": "labelling configuration, XML"})


class PredictRequest(_FromLabelStudio):
    """The tasks for which Label Studio wants predictions."""

    tasks = List(Dict(keys=String()), required=True, validate=Length(max=MAX_TASKS))
    label_config = String(required=True, metadata={"description": "labelling configuration, XML"})


class GenreSchema(Schema):
    """A genre of a taxonomy."""

    id = String(required=True)
    name = String(required=True)


class CountsSchema(Schema):
    """How far a project is."""

    items = Integer(required=True)
    open = Integer(required=True)
    labelled = Integer(required=True)
    set_aside = Integer(required=True)
    labels = Integer(required=True)
    annotators = Integer(required=True)


class MeasuredSchema(Schema):
    """How good a version of a project's model is, and the 95 % interval of that."""

    version = Integer(required=True)
    labels = Integer(required=True)
    accuracy = Float(required=True, allow_none=True)
    low = Float(required=True, allow_none=True)
    high = Float(required=True, allow_none=True)


class VersionSchema(MeasuredSchema):
    """A version of a project's model."""

    created_at = String(required=True)
    state = String(required=True, validate=OneOf(VERSION_STATES))
    reason = String(required=True)


class ProjectSchema(Schema):
    """A labelling project; its genres in the order in which they are shown."""

    id = String(required=True)
    name = String(required=True)
    created_at = String(required=True)
    closed = Boolean(required=True)
    settings = Dict(keys=String(), required=True, metadata={"properties": _SETTINGS["properties"]})
    genres = List(Nested(GenreSchema), required=True)
    counts = Nested(CountsSchema, required=True)
    model = Nested(MeasuredSchema, required=True, allow_none=True)


class ProjectListSchema(Schema):
    """The projects, newest first."""

    items = List(Nested(ProjectSchema), required=True)


class ItemSchema(Schema):
    """An item of a pool; `track` is null where it was deleted."""

    id = String(required=True)
    track = String(required=True, allow_none=True)
    filename = String(required=True)
    artist = String(required=True)
    state = String(required=True, validate=OneOf(ITEM_STATES))
    flag = String(required=True, allow_none=True)
    wanted = Integer(required=True, metadata={"description": "annotators"})
    labels = Integer(required=True)


class ItemPageSchema(Schema):
    """A page of a pool, newest first."""

    items = List(Nested(ItemSchema), required=True)
    next_cursor = String(required=True, allow_none=True)


class AddedItemsSchema(Schema):
    """What came of adding tracks; `job` hears and ranks what is new."""

    added = Integer(required=True)
    items = Integer(required=True, metadata={"description": "of the pool now"})
    job = Nested(JobSchema, required=True, allow_none=True)


class EventSchema(Schema):
    """Something that happened in a project."""

    number = Integer(required=True)
    kind = String(required=True)
    at = String(required=True)
    actor = String(required=True)
    item = String(required=True, allow_none=True)
    lease = String(required=True, allow_none=True)
    undoes = Integer(required=True, allow_none=True)
    version = Integer(required=True, allow_none=True)
    content = Dict(keys=String(), required=True)
    shown = Dict(keys=String(), required=True, allow_none=True)


class EventPageSchema(Schema):
    """Events, oldest first; `next_after` asks for the following ones and is null where there are none yet."""

    items = List(Nested(EventSchema), required=True)
    next_after = Integer(required=True, allow_none=True)


class ImportedSchema(Schema):
    """What came of an import."""

    added = Integer(required=True, metadata={"description": "answers that are new"})
    known = Integer(required=True, metadata={"description": "answers that were there already"})
    unlabelled = Integer(required=True, metadata={"description": "entries that say nothing"})
    first_unknown = List(
        String(),
        required=True,
        data_key="unknown",
        metadata={"description": "recordings that are not in the pool: the first of them"},
    )
    n_unknown = Integer(required=True)


class LeasedTrackSchema(Schema):
    """The recording of a lease."""

    id = String(required=True)
    filename = String(required=True)
    duration_s = Float(required=True, allow_none=True)


class SuggestedGenreSchema(Schema):
    """A genre and how likely it is."""

    genre = String(required=True)
    probability = Float(required=True)


class SuggestionSchema(Schema):
    """What the project's model thinks of an item."""

    version = Integer(required=True)
    genres = List(Nested(SuggestedGenreSchema), required=True)


class LeaseSchema(Schema):
    """An item that an annotator has for some time; `start_s` is where the stretch begins that tells most."""

    id = String(required=True)
    project = String(required=True)
    annotator = String(required=True)
    expires_at = String(required=True)
    item = String(required=True)
    track = Nested(LeasedTrackSchema, required=True)
    start_s = Float(required=True)
    suggestion = Nested(SuggestionSchema, required=True, allow_none=True)


class ActSchema(Schema):
    """A label, a skip or a flag, as it was recorded."""

    id = Integer(required=True, metadata={"description": "number of its event"})
    kind = String(required=True, validate=OneOf(["label", "skip", "flag"]))
    project = String(required=True)
    item = String(required=True)
    track = String(required=True, allow_none=True)
    annotator = String(required=True)
    at = String(required=True)
    genres = List(String(), required=True)
    none = Boolean(required=True)
    unsure = Boolean(required=True)
    flag = String(required=True, allow_none=True)
    note = String(required=True, allow_none=True)
    reason = String(required=True, allow_none=True)
    version = Integer(required=True, allow_none=True, metadata={"description": "of the model that answered then"})


class ActPageSchema(Schema):
    """Answers that count, newest first."""

    items = List(Nested(ActSchema), required=True)
    next_cursor = String(required=True, allow_none=True)


class LabelledSchema(Schema):
    """A label, and the next item where it was asked for and there is one."""

    label = Nested(ActSchema, required=True)
    next = Nested(LeaseSchema, required=True, allow_none=True)


class QueueStatsSchema(Schema):
    """How far a queue is."""

    project = String(required=True)
    items = Integer(required=True)
    open = Integer(required=True)
    labelled = Integer(required=True)
    leased = Integer(required=True)
    set_aside = Integer(required=True)
    labels = Integer(required=True)
    by_annotator = Dict(keys=String(), values=Integer(), required=True)
    labels_until_retraining = Integer(required=True)


class AnnotatorSchema(Schema):
    """What an annotator has done; `median_s` is the time from lease to label."""

    name = String(required=True)
    labels = Integer(required=True)
    skips = Integer(required=True)
    flags = Integer(required=True)
    last_at = String(required=True)
    median_s = Float(required=True, allow_none=True)


class ClassSchema(Schema):
    """Labels of a genre, and items that the model takes for it."""

    genre = String(required=True)
    labels = Integer(required=True)
    predicted = Integer(required=True)


class PairSchema(Schema):
    """Cohen's kappa of two annotators."""

    a = String(required=True)
    b = String(required=True)
    n = Integer(required=True)
    kappa = Float(required=True, allow_none=True)


class AgreementSchema(Schema):
    """How annotators agree on the items that several have labelled."""

    items = Integer(required=True)
    cohen = List(Nested(PairSchema), required=True)
    fleiss = Float(required=True, allow_none=True)
    krippendorff = Float(required=True, allow_none=True)


class SuspiciousSchema(Schema):
    """A label that is likely wrong."""

    item = String(required=True)
    track = String(required=True, allow_none=True)
    filename = String(required=True)
    label = String(required=True)
    likely = String(required=True)
    quality = Float(required=True)


class DashboardSchema(Schema):
    """How a project stands."""

    annotators = List(Nested(AnnotatorSchema), required=True)
    classes = List(Nested(ClassSchema), required=True)
    agreement = Nested(AgreementSchema, required=True)
    curve = Dict(keys=String(), required=True, metadata={"description": "`points`, `gain` of more labels, `advice`"})
    confusion = Dict(keys=String(), required=True, metadata={"description": "`genres`, and `matrix` in their order"})
    suspicious = List(Nested(SuspiciousSchema), required=True)
    versions = List(Nested(VersionSchema), required=True)
    job = Nested(JobSchema, required=True, allow_none=True)


class BackendHealthSchema(Schema):
    """The ML backend is there."""

    status = String(required=True)
    model_class = String(required=True)


class BackendVersionSchema(Schema):
    """Name of the model's version."""

    model_version = String(required=True)


class PredictionSchema(Schema):
    """What the model thinks of a task; `result` is empty where it knows nothing of it."""

    result = List(Raw(), required=True)
    score = Float(required=True)
    model_version = String(required=True)


class PredictionsSchema(BackendVersionSchema):
    """A prediction for each task, in their order."""

    results = List(Nested(PredictionSchema), required=True)
