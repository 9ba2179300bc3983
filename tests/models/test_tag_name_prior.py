"""What names mean, in any spelling; and nothing where nothing is known."""

import numpy as np
import pytest

from models.musicnn_tags import MSD_TAGS, MTT_TAGS
from models.tag_name_prior import TAGS_OF_GENRE, genre_tags, name_beliefs


@pytest.mark.parametrize(
    ("genre", "tags"),
    [
        ("jazz", {"jazz"}),
        ("Jazz", {"jazz"}),
        ("country", {"country"}),
        ("hiphop", {"Hip-Hop", "rnb"}),
        ("Hip-Hop", {"Hip-Hop", "rnb"}),
        ("hip_hop", {"Hip-Hop", "rnb"}),
        ("HOUSE", {"House"}),
        ("progressive rock", {"Progressive rock"}),
        ("R&B", {"rnb", "soul"}),
        ("disco", {"dance", "funk", "70s", "80s"}),
        ("bossa-nova", {"jazz", "easy listening", "chillout"}),
        ("fado", set()),
        ("", set()),
        ("!?", set()),
        ("jazzy", set()),
    ],
)
def test_a_name_means_its_tags(genre, tags):
    assert {MSD_TAGS[index] for index in genre_tags(genre)} == tags


def test_the_tags_are_those_of_the_backbone():
    assert {MTT_TAGS[index] for index in genre_tags("classical", MTT_TAGS)} == {"ambient", "classical"}
    assert {MTT_TAGS[index] for index in genre_tags("opera", MTT_TAGS)} == {"opera"}


def test_the_table_names_tags_that_there_are():
    assert {tag for tags in TAGS_OF_GENRE.values() for tag in tags} <= set(MSD_TAGS)


def test_a_recording_is_believed_to_be_what_its_tags_say():
    features = np.zeros((3, 50))
    features[0, MSD_TAGS.index("jazz")] = 3.0
    features[1, MSD_TAGS.index("jazz")] = -3.0
    beliefs, known = name_beliefs(features, ("jazz", "fado"))
    assert known.tolist() == [True, False]
    np.testing.assert_allclose(beliefs.sum(axis=1), 1)
    assert beliefs[0, 0] > 0.99
    assert beliefs[1, 1] > 0.99
    np.testing.assert_allclose(beliefs[2], 0.5)
