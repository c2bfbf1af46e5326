"""What a single run shows as it trains."""

import io
import re

from rich.console import Console

from sizewise.records import ERROR
from sizewise.screen import Course, Screen, time_left

METRICS = {"train/loss": 0.5, "train/error": 0.3, "val/error": 0.25, "samples_per_second": 900.0}
LONG = Course("epoch", 1500, 600)  # the last of three epochs is cut short by training.max_steps


class Shown:
    """A run's screen, whose clock stands still unless it is put forward."""

    def __init__(self, course: Course, *, terminal: bool) -> None:
        self.now = 0.0
        self.printed = io.StringIO()
        console = Console(
            file=self.printed,
            force_terminal=terminal,
            width=80,
            color_system=None,
            get_time=lambda: self.now,
            _environ={},
        )
        self.screen = Screen("lstm-10k-mnist1d-s0", ERROR, course, console)

    def step(self, number: int, now: float) -> None:
        self.now = now
        self.screen.show_step(number)

    def last_line(self) -> str:
        self.screen.refresh()
        return re.split(r"\x1b\[[0-9?]*[a-zA-Z]|\r", self.printed.getvalue())[-1].rstrip()


def test_within_a_long_epoch_steps_are_shown_with_the_time_that_is_left() -> None:
    shown = Shown(LONG, terminal=True)
    with shown.screen:
        shown.step(1, now=1)
        shown.step(101, now=51)
        line = shown.last_line()
        assert line.startswith("lstm-10k-mnist1d-s0")
        assert "epoch 1/3, step 101/600" in line
        assert "0:11:40" in line  # 1,399 steps of half a second
        shown.step(1400, now=700)
        assert "epoch 3/3, step 200/300" in shown.last_line()


def test_short_epochs_are_shown_by_their_number_and_scores_within_eighty_columns() -> None:
    shown = Shown(Course("epoch", 900, 36), terminal=True)
    with shown.screen:
        shown.step(1, now=1)
        shown.now = 2
        shown.screen.show_epoch(1, METRICS)
        shown.step(40, now=2.1)
        line = shown.last_line()
    assert re.search(r"epoch 2/25 +0:00:2\d +validation 25\.00%  train", line)
    assert len(line) <= 80


def test_off_a_terminal_there_is_a_line_for_each_epoch_and_few_within() -> None:
    shown = Shown(LONG, terminal=False)
    with shown.screen:
        for step in range(1, 601):
            shown.step(step, now=step / 10)
        shown.screen.show_epoch(1, METRICS)
    assert shown.printed.getvalue().splitlines() == [
        "lstm-10k-mnist1d-s0  epoch 1/3, step 300/600  2:00 left",
        "lstm-10k-mnist1d-s0  epoch 2/3  1:30 left",
        "lstm-10k-mnist1d-s0  epoch 1/3  error: validation 25.00%  train 30.00%  loss 0.5000"
        "  900 samples/s  1:30 left",
    ]


def test_a_run_that_is_taken_up_is_judged_by_what_it_does_now() -> None:
    shown = Shown(LONG, terminal=True)
    with shown.screen:
        shown.step(1201, now=10)
        shown.step(1211, now=20)
        assert "0:04:49" in shown.last_line()


def test_times_are_written_as_on_a_clock() -> None:
    assert [time_left(each) for each in (None, 0.2, 250, 3723)] == [
        *("", "0:00 left", "4:10 left", "1:02:03 left")
    ]
