import pytest
from label_studio_sdk.label_interface import LabelInterface

from datasets.errors import DatasetError
from datasets.labels.labelling_config import ChoicesControl, choices_control, labelling_config

GENRES = ["fado", 'R&B "x" <y>', "baião", "$rock"]


@pytest.mark.parametrize(("multi_label", "choice"), [(False, "single"), (True, "multiple")])
def test_label_studio_finds_the_configuration_valid_and_reads_the_genres(multi_label, choice):
    interface = LabelInterface(labelling_config(GENRES, multi_label))
    interface.validate()
    control = interface.get_control("genre")
    assert control.labels == [*GENRES, "none of these"]
    assert control.attr["choice"] == choice
    assert control.to_name == ["audio"]
    assert interface.get_object("audio").value_name == "audio"


@pytest.mark.parametrize("multi_label", [False, True])
def test_our_own_configuration_has_one_control_for_genres(multi_label):
    config = labelling_config(GENRES, multi_label, none_of_these=False)
    assert choices_control(config) == ChoicesControl("genre", "audio", "audio", tuple(GENRES), multi_label)


FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<View><!-- ours -->
  <Header value="$title"/>
  <AudioPlus name="clip" value="$url"/><Text name="txt" value="$words"/>
  <Labels name="parts" toName="clip"><Label value="verse"/></Labels>
  <Choices name="mood" toName="clip" perRegion="true"><Choice value="sad"/></Choices>
  <View><Choices name="style" toName="txt,clip" choice="single-radio">
    <View><Choice value="Fado de Lisboa" alias="fado"/><Choice value="morna"/></View>
  </Choices></View>
</View>"""


def test_other_configurations_are_understood():
    assert choices_control(FOREIGN) == ChoicesControl("style", "clip", "url", ("fado", "morna"), False)


def test_choices_of_each_task_are_not_known():
    config = '<View><Audio name="a" value="$a"/><Choices name="c" toName="a" value="$options"/></View>'
    assert choices_control(config) == ChoicesControl("c", "a", "a", (), False)


def test_one_of_several_controls_may_be_named():
    config = FOREIGN.replace('<Text name="txt" value="$words"/>', '<Choices name="decade" toName="clip"/>')
    with pytest.raises(DatasetError, match=r"several Choices controls \('decade, style'\)"):
        choices_control(config)
    assert choices_control(config, control="style").choices == ("fado", "morna")
    with pytest.raises(DatasetError, match=r"no Choices control 'genre', .* 'decade, style'"):
        choices_control(config, control="genre")


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><View>&b;</View>'


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("", "no labelling configuration"),
        ("<View>", "no labelling configuration"),
        ("<View>&a;</View>", "no labelling configuration"),
        ("<View>\0</View>", "no labelling configuration"),
        ("<View>\ud800</View>", "no labelling configuration"),
        (BOMB, "document type or entities"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><View/>', "document type or entities"),
        ("<View>" + " " * 1_000_000, "at most 1000000"),
        ("<View/>", "no Choices control '', .* 'none'"),
        ("<a>" * 100_000 + "</a>" * 100_000, "no Choices control"),
        ('<View><Choices name="c"/></View>', "no toName"),
    ],
)
def test_what_is_no_configuration_is_refused(config, words):
    with pytest.raises(DatasetError, match=words):
        choices_control(config)


@pytest.mark.parametrize(
    ("genres", "words"),
    [
        ([], "at least one"),
        (["fado", "fado"], "each once"),
        ([""], "genre '', expected a name"),
        (["a\x07"], "control characters"),
        (["None of these"], "stands for no genre"),
    ],
)
def test_genres_that_cannot_be_choices_are_refused(genres, words):
    with pytest.raises(DatasetError, match=words):
        labelling_config(genres, multi_label=False)
