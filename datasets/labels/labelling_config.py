"""Label Studio's labelling configuration: the XML that says what an annotator may answer, made here or sent by it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from datasets.errors import DatasetError
from datasets.labels.record import FLAGS, check_genre, shown, unique

AUDIO = "audio"  # field of a task's data, and name of the recording in the configuration
GENRE = "genre"  # name of the control with which genres are chosen
NONE_OF_THESE = "none of these"  # the choice that stands for no genre of the project
CERTAINTY, FLAG, NOTE = "genrelab_certainty", "genrelab_flag", "genrelab_note"  # our other controls
OWN_CONTROLS = (CERTAINTY, FLAG, NOTE)
UNSURE = "unsure"
MAX_CONFIG = 1_000_000  # characters


@dataclass(frozen=True)
class ChoicesControl:
    """The control of a labelling configuration with which genres are chosen.

    Attributes
    ----------
    name, to_name : str
        Its name, and that of the recording which it labels: `from_name` and `to_name` of results.
    data_key : str
        Field of a task's data where the recording is; "" where the configuration does not say.
    choices : tuple of str
        What can be chosen; empty where each task brings its own.
    multiple : bool
        Whether several may be chosen.
    """

    name: str
    to_name: str
    data_key: str
    choices: tuple[str, ...]
    multiple: bool


def labelling_config(genres: Sequence[str], multi_label: bool, *, none_of_these: bool = True) -> str:
    """The labelling configuration, in XML, of a project for the tasks that `datasets.labels.label_studio` writes.

    Parameters
    ----------
    genres : sequence of str
        The project's genres, at least one.
    multi_label : bool
        Whether a recording may have several.
    none_of_these : bool
        Whether a recording may be said to have none of them.

    Raises
    ------
    DatasetError
        If there are no genres, one comes twice, is no name, or is called as the choice that stands for none of them.
    """
    if not genres or len(set(genres)) != len(genres):
        raise DatasetError(f"genres {shown(genres)}, expected at least one, and each once")
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Audio", name=AUDIO, value=f"${AUDIO}")
    choices = [*map(choice_of, genres), *[NONE_OF_THESE] * none_of_these]
    _choices(view, GENRE, choices, "multiple" if multi_label else "single")
    _choices(view, CERTAINTY, [UNSURE], "multiple")
    _choices(view, FLAG, FLAGS[1:], "single")
    ElementTree.SubElement(view, "TextArea", name=NOTE, toName=AUDIO, maxSubmissions="1", editable="true")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")


def choices_control(config: str, *, control: str = "") -> ChoicesControl:
    """The control with which genres are chosen, of a labelling configuration that Label Studio sends.

    Parameters
    ----------
    config : str
        XML, not trusted: with a document type, entities, or more than `MAX_CONFIG` characters it is refused.
    control : str
        Name of the control; "" takes the only Choices control. Those for regions of a recording do not count.

    Raises
    ------
    DatasetError
        If it is no such configuration, or has no Choices control or several of which none is named.
    """
    view = _xml(config)
    found = {
        name: tag
        for tag in view.iter()
        if tag.tag.lower() == "choices" and tag.get("perRegion") != "true"
        if (name := tag.get("name", "")) and name not in OWN_CONTROLS
    }
    name = control or the_only(list(found))
    if name not in found:
        raise DatasetError(f"no Choices control {shown(name)}, the labelling configuration has {listed(found)}")
    tag = found[name]
    objects = {each.get("name", ""): each for each in view.iter() if each.get("value", "").startswith("$")}
    to_names = [word.strip() for word in tag.get("toName", "").split(",")]
    audible = [each for each in to_names if each in objects and objects[each].tag.lower().startswith("audio")]
    to_name = (audible or to_names)[0]
    if not to_name:
        raise DatasetError(f"the Choices control {shown(name)} has no toName, expected the name of the recording")
    return ChoicesControl(
        name,
        to_name,
        objects[to_name].get("value", "").removeprefix("$") if to_name in objects else "",
        unique(each.get("alias") or each.get("value") or "" for each in tag.iter() if each.tag.lower() == "choice"),
        tag.get("choice", "single").startswith("multiple"),
    )


def choice_of(genre: str) -> str:
    """A genre as a choice; DatasetError where it is no name, or that of the choice that stands for none."""
    check_genre(genre)
    if genre.casefold() == NONE_OF_THESE:
        raise DatasetError(f"a genre is called {shown(genre)}, which stands for no genre there; rename it")
    return genre


def the_only(names: Sequence[str]) -> str:
    """The one Choices control among names, "" where there is none; DatasetError names them where there are several."""
    if len(names) > 1:
        raise DatasetError(f"several Choices controls ({listed(names)}), expected one; name the one with the genres")
    return names[0] if names else ""


def listed(names: Iterable[str]) -> str:
    """Names as an error shows them."""
    return shown(", ".join(names) or "none")


def _choices(view: ElementTree.Element, name: str, choices: Iterable[str], choice: str) -> None:
    control = ElementTree.SubElement(view, "Choices", name=name, toName=AUDIO, choice=choice)
    for value in choices:
        ElementTree.SubElement(control, "Choice", value=value)


def _xml(config: str) -> ElementTree.Element:
    if len(config) > MAX_CONFIG:
        raise DatasetError(f"a labelling configuration of {len(config)} characters, expected at most {MAX_CONFIG}")
    if "<!DOCTYPE" in config or "<!ENTITY" in config:
        raise DatasetError("a labelling configuration with a document type or entities, expected one without")
    try:
        return ElementTree.fromstring(config)
    except (ElementTree.ParseError, ValueError) as error:
        raise DatasetError(f"no labelling configuration ({error}), expected XML with a Choices control") from error
