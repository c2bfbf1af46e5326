"""What a run says of its steps as it takes them."""

from pathlib import Path

import pytest

from sizewise.run.course import Watched, course_of
from sizewise.training.loop import fit
from tests.builders import make_dataset, make_model, make_training


def test_a_course_ends_where_training_does() -> None:
    assert course_of(make_training(epochs=3), 50) == ("epoch", 12, 4)
    cut = course_of(make_training(epochs=3, max_steps=6), 50)
    assert (cut.units, cut.after(1), cut.after(2)) == (2, 4, 6)
    assert cut.place(5, speed=0.1) == "epoch 2/2, step 1/2"


@pytest.mark.parametrize(("seconds", "told"), [(0, [1, 2, 3, 4, 5, 6, 7, 8]), (600, [1])])
def test_steps_are_told_at_the_first_and_then_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, told: list[int]
) -> None:
    monkeypatch.setattr("sizewise.run.course.SECONDS", seconds)
    found: list[int] = []
    checkpoint = Watched(tmp_path / "checkpoint.pt", "key", 60, lambda: False, found.append)
    model, dataset = make_model("mlp", 4, (1, 6), 4), make_dataset(50, shape=(1, 6))
    fit(model, dataset, make_training(epochs=2), seed=0, log=lambda *_: None, checkpoint=checkpoint)
    assert found == told
