from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from models.training_log import TrainingLog


def test_figures_are_there_for_tensorboard_by_name_and_step(tmp_path):
    log = TrainingLog(tmp_path)
    log.write(1, {"loss": 2.0})
    log.write(5, {"loss": 0.5, "accuracy": 0.75})
    found = EventAccumulator(str(tmp_path)).Reload()
    assert {event.step for event in found.Tensors("loss")} == {1, 5}
    assert [event.step for event in found.Tensors("accuracy")] == [5]


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TrainingLog(None).write(1, {"loss": 1.0})
    assert list(tmp_path.iterdir()) == []
