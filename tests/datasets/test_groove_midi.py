import json

import mido
import pytest

from datasets.composers.groove import GROUPS, STEPS
from datasets.errors import DatasetError
from datasets.groove_midi import COLUMNS, LICENCE, count_feel, main, read_performances, read_strokes

TICKS = 480
KICK, SNARE, HAT = 36, 38, 42


def write_midi(path, strokes, bpm=120):
    """Strokes are (beat, pitch, velocity)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))])
    events = []
    for beat, pitch, velocity in strokes:
        tick = round(beat * TICKS)
        events += [(tick, "note_on", pitch, velocity), (tick + 30, "note_off", pitch, 0)]
    now = 0
    for tick, kind, pitch, velocity in sorted(events):
        track.append(mido.Message(kind, channel=9, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    file.tracks.append(track)
    file.save(path)


def row(**changes):
    usual = {
        "drummer": "drummer1",
        "session": "drummer1/session1",
        "id": "drummer1/session1/1",
        "style": "rock/halftime",
        "bpm": "120",
        "beat_type": "beat",
        "time_signature": "4-4",
        "midi_filename": "drummer1/session1/1.mid",
        "split": "train",
    }
    return usual | changes


def write_table(folder, rows):
    lines = [",".join(COLUMNS), *(",".join(each[column] for column in COLUMNS) for each in rows)]
    (folder / "info.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def corpus(tmp_path):
    """Four bars: the kick on 1 as the grid has it, the snare on 2 a fifth of a sixteenth late, hats as much early."""
    bars = [4.0 * bar for bar in range(4)]
    strokes = [(bar, KICK, 100) for bar in bars]
    strokes += [(bar + 1 + 0.05, SNARE, 110 + 2 * (index % 2)) for index, bar in enumerate(bars)]
    strokes += [(bar + 2 - 0.05, HAT, 70) for bar in bars]
    write_midi(tmp_path / "drummer1/session1/1.mid", strokes)
    write_midi(tmp_path / "drummer2/session1/1.mid", [(0.0, KICK, 1)])
    ignored = {"midi_filename": "drummer2/session1/1.mid", "drummer": "drummer2"}
    others = ({"split": "test"}, {"beat_type": "fill"}, {"time_signature": "3-4"}, {"style": "middleeastern"})
    write_table(tmp_path, [row(), *(row(**ignored, **other) for other in others)])
    return tmp_path


def test_performances_say_what_the_table_says(corpus):
    first, *others = read_performances(corpus)
    assert (first.drummer, first.style, first.family, first.tempo_bpm, first.split) == (
        "drummer1",
        "rock/halftime",
        "rock",
        120.0,
        "train",
    )
    assert first.path == corpus / "drummer1/session1/1.mid"
    assert len(others) == 4
    assert others[-1].family is None


def test_strokes_are_read_in_beats_whatever_the_tempo(tmp_path):
    for bpm in (60, 174):
        write_midi(tmp_path / "a.mid", [(0.0, KICK, 90), (1.5, SNARE, 33), (2.0, HAT, 64)], bpm)
        strokes = read_strokes(tmp_path / "a.mid")
        assert [stroke.start for stroke in strokes] == pytest.approx([0.0, 1.5, 2.0], abs=1e-4)
        assert [(stroke.pitch, stroke.velocity) for stroke in strokes] == [(KICK, 90), (SNARE, 33), (HAT, 64)]


def test_feel_is_what_was_played(corpus):
    """One performance alone: the prior of all styles is the same and changes nothing but deviations' rounding."""
    card = count_feel(corpus)
    rock = card["feel"]["rock"]
    assert card["performances"] == {"rock": 1}
    assert rock["snare"]["strokes"] == [0, 0, 0, 0, 4] + [0] * 11
    assert rock["kick"]["shift"][0] == pytest.approx(0.0, abs=0.005)
    assert rock["snare"]["shift"][4] == pytest.approx(0.2, abs=0.005)
    assert rock["cymbals"]["shift"][8] == pytest.approx(-0.2, abs=0.005)
    assert rock["snare"]["velocity"][4] == pytest.approx(111)
    assert rock["snare"]["velocity_deviation"][4] == pytest.approx(1)
    assert rock["kick"]["velocity_deviation"][0] == 0
    assert all(len(values) == STEPS for group in GROUPS for values in rock[group].values())


def test_a_whole_bar_that_comes_late_is_no_feel(tmp_path):
    late = [(4.0 * bar + beat + 0.1, HAT, 80) for bar in range(4) for beat in range(4)]
    write_midi(tmp_path / "drummer1/session1/1.mid", late)
    write_table(tmp_path, [row()])
    hats = count_feel(tmp_path)["feel"]["rock"]["cymbals"]
    assert hats["shift"] == pytest.approx([0.0] * STEPS, abs=0.005)
    assert hats["shift_deviation"] == pytest.approx([0.0] * STEPS, abs=0.005)


def test_rare_strokes_are_drawn_towards_all_styles(tmp_path):
    """One late snare of soul beside 60 that are on time: 20 of the average style are counted with it."""
    write_midi(tmp_path / "rock.mid", [(4.0 * bar + beat, SNARE, 100) for bar in range(30) for beat in (1, 3)])
    write_midi(tmp_path / "soul.mid", [(0.0, KICK, 100), (1.0, SNARE, 40)])
    write_table(tmp_path, [row(midi_filename="rock.mid"), row(midi_filename="soul.mid", style="soul")])
    velocity = count_feel(tmp_path)["feel"]["soul"]["snare"]["velocity"][4]
    average = (30 * 100 + 40) / 31
    assert velocity == pytest.approx((40 + 20 * average) / 21, abs=0.05)


def test_the_script_writes_a_card_with_its_source(corpus, tmp_path):
    out = tmp_path / "card.json"
    main(["--data", str(corpus), "--out", str(out)])
    text = out.read_text(encoding="utf-8")
    card = json.loads(text)
    assert card == count_feel(corpus)
    assert card["licence"] == LICENCE
    assert len(card["info_csv_sha256"]) == 64
    assert max(len(line) for line in text.splitlines() if "velocity_deviation" in line) > 60, "a list is one line"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bpm": "fast"}, "line 2: bpm 'fast', expected a number"),
        ({"bpm": "nan"}, "bpm 'nan', expected 20 to 400"),
        ({"split": "dev"}, "split 'dev', expected one of train, validation, test"),
        ({"beat_type": "solo"}, "beat_type 'solo', expected one of beat, fill"),
        ({"midi_filename": "../secret.mid"}, "leads out of the folder"),
        ({"midi_filename": "drummer1/none.mid"}, "there is no file"),
    ],
)
def test_wrong_rows_are_told(corpus, change, message):
    write_table(corpus, [row(**change)])
    with pytest.raises(DatasetError, match=message):
        read_performances(corpus)


def test_another_folder_is_told(tmp_path, corpus):
    with pytest.raises(DatasetError, match="expected the table of Groove MIDI"):
        read_performances(tmp_path / "elsewhere")
    (corpus / "info.csv").write_text("title,artist\nx,y\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="no column beat_type, bpm"):
        read_performances(corpus)
    write_table(corpus, [])
    with pytest.raises(DatasetError, match="no performances"):
        read_performances(corpus)
    write_table(corpus, [row(split="test")])
    with pytest.raises(DatasetError, match="no grooves in 4/4"):
        count_feel(corpus)


def test_a_file_that_is_no_performance_is_told(tmp_path):
    (tmp_path / "a.mid").write_bytes(b"RIFF")
    with pytest.raises(DatasetError, match=r"a\.mid"):
        read_strokes(tmp_path / "a.mid")
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS)
    tempos = [mido.MetaMessage("set_tempo", tempo=tempo, time=TICKS) for tempo in (400_000, 500_000, 600_000)]
    file.tracks.append(mido.MidiTrack(tempos))
    file.save(tmp_path / "b.mid")
    with pytest.raises(DatasetError, match="expected that of one metronome"):
        read_strokes(tmp_path / "b.mid")
