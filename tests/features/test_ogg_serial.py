"""Serial numbers of Ogg streams."""

import io

import numpy as np
import pytest
import soundfile
from mutagen.ogg import OggPage

from features.errors import CorruptAudio
from features.ogg_serial import set_serial


def test_every_page_gets_the_number_and_the_sound_stays():
    y = 0.1 * np.random.default_rng(0).standard_normal(100_000)
    file = io.BytesIO()
    soundfile.write(file, y, 22050, format="OGG", subtype="VORBIS")
    before = file.getvalue()
    set_serial(file, 2**32 - 1)
    assert len(file.getvalue()) == len(before)

    pages = []
    file.seek(0)
    while file.tell() < len(before):
        pages.append(OggPage(file))
    assert len(pages) > 3
    assert {page.serial for page in pages} == {2**32 - 1}
    file.seek(0)
    np.testing.assert_array_equal(soundfile.read(file)[0], soundfile.read(io.BytesIO(before))[0])


def test_what_is_no_ogg_file():
    with pytest.raises(CorruptAudio, match="no Ogg page at byte 0"):
        set_serial(io.BytesIO(b"RIFF and whatever follows, which is longer than the head of a page"), 1)
