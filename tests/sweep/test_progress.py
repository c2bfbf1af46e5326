"""What a sweep shows as it runs, and how long it says that it still takes."""

import io
import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from sizewise.records import RunRecord, write_records
from sizewise.run.folder import RunFolder
from sizewise.screen import Course
from sizewise.sweep import progress
from sizewise.sweep.pace import Pace
from sizewise.sweep.progress import SweepProgress
from sizewise.sweep.states import Kind, RunState, write_state, write_step
from tests.processes import wait_until
from tests.report.synthetic import record, reference

FAMILIES = ("cnn", "lstm", "attention")
SIZES = (300, 1000, 3000, 10_000, 30_000, 100_000)
COURSE = Course("epoch", 4000, 100)
CLEARED = re.compile(r"(?:\r?\x1b\[[0-9]*[KA])+")
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def state_of(made: RunRecord, status: str = "waiting", **changes: object) -> RunState:
    amount = made.config.get("data.train_samples")
    kind = Kind(made.family, made.size_asked, made.data, amount)
    state = RunState(made.run_key, made.name, status, "", "", kind, COURSE)
    return replace(state, **changes)  # type: ignore[arg-type]


def grid(seeds: int) -> list[RunRecord]:
    return [
        record(family, size, seed, test_error=0.389 if size == 300 else 0.02 + 0.001 * seed)
        for family, size, seed in itertools.product(FAMILIES, SIZES, range(seeds))
    ]


class Sweep:
    """A sweep's folder, what its jobs leave there, and what is shown of it."""

    def __init__(self, folder: Path, *, terminal: bool = True, height: int = 24) -> None:
        self.folder = folder
        self.printed = io.StringIO()
        self.console = Console(
            file=self.printed, force_terminal=terminal, width=80, height=height, _environ={}
        )
        self.shows: SweepProgress | None = None
        self.all_have_begun: list[bool] = []  # an entry each time that it is said

    def start(self, runs: list[RunRecord], total: int = 0, finished: int = 0) -> "Sweep":
        planned = {each.run_key: state_of(each) for each in runs}
        before = {each.run_key: each for each in runs[:finished]}
        total = total or len(runs)
        self.shows = SweepProgress(
            *(self.folder, total, planned, before, self.console),
            when_all_have_begun=lambda: self.all_have_begun.append(True),
        )
        return self

    def leave(self, made: RunRecord, status: str, step: int = 0, **changes: object) -> None:
        """Leave word of a run as its job does."""
        folder = self.folder / made.run_key
        folder.mkdir(exist_ok=True)
        if status == "done":
            write_records(folder / RunFolder.RECORD, [made])
        (self.folder / "runs").mkdir(exist_ok=True)
        write_step(self.folder, made.run_key, step)
        write_state(self.folder, state_of(made, status, folder=str(folder), **changes))

    def frame(self) -> str:
        """Return what is on the screen below what has been printed for good."""
        return STYLE.sub("", CLEARED.split(self.printed.getvalue())[-1])

    def wait_for(self, text: str) -> str:
        wait_until(lambda: text in self.frame(), 20)
        return self.frame()

    def end(self, then: str = "") -> str:
        assert self.shows is not None
        self.shows.stop(then)
        return self.frame()


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sweep]:
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    made = Sweep(tmp_path)
    yield made
    made.end()


def test_it_is_said_once_that_no_run_waits_any_more(sweep: Sweep) -> None:
    runs = grid(1)
    sweep.start(runs)
    for each in runs[1:]:
        sweep.leave(each, "done")
    sweep.wait_for(f"{len(runs) - 1}/{len(runs)}")
    assert not sweep.all_have_begun
    sweep.leave(runs[0], "running", step=100)
    wait_until(lambda: len(sweep.all_have_begun) > 0, 20)
    sweep.leave(runs[0], "done")
    sweep.wait_for(f"{len(runs)}/{len(runs)}")
    sweep.end()
    assert len(sweep.all_have_begun) == 1


def test_runs_that_were_finished_before_do_not_wait(sweep: Sweep) -> None:
    runs = grid(1)
    sweep.start(runs, finished=len(runs) - 1)
    sweep.leave(runs[-1], "running", step=100)
    wait_until(lambda: len(sweep.all_have_begun) > 0, 20)


def test_families_by_sizes_fill_as_seeds_are_done(sweep: Sweep) -> None:
    runs = grid(10)
    sweep.start(runs, finished=9)
    sweep.leave(runs[9], "running", step=100)
    for each in runs[10:20]:
        sweep.leave(each, "done")
    frame = sweep.wait_for("2.5%")

    head, cnn, lstm, *_ = frame.splitlines()
    assert head.split() == ["test", "error", "300", "1k", "3k", "10k", "30k", "100k"]
    assert cnn.split() == ["cnn", "38.9%", "9/10", "2.5%", "0/10", "0/10", "0/10", "0/10"]
    assert lstm.split() == ["lstm", *["0/10"] * 6]
    assert "cnn-300-mnist1d-s9  epoch 2/40\n" in frame
    assert "19/180" in frame
    assert re.search(r"\d:\d\d left", frame)
    assert max(map(len, frame.splitlines())) <= 80


def test_one_long_run_shows_its_steps_and_the_time_that_is_left(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("sizewise.sweep.progress.time", SimpleNamespace(time=lambda: now[0]))
    run = record("lstm", 10_000)
    sweep.start([run])
    sweep.leave(run, "running", step=1)
    sweep.wait_for("lstm-10000-mnist1d-s0  epoch 1/40\n")
    now[0] += 40
    write_step(sweep.folder, run.run_key, 41)
    frame = sweep.wait_for("lstm-10000-mnist1d-s0  epoch 1/40, step 41/100\n")
    assert "1:05:59 left" in frame


def test_the_widest_table_fits_in_eighty_columns(sweep: Sweep) -> None:
    runs = [replace(each, metrics={"test/error": 0.389}) for each in grid(10)]
    sweep.start(runs, finished=len(runs))
    for each in runs:
        if each.seed < 9:
            sweep.leave(each, "done")
    assert sweep.end().splitlines()[3].split() == ["attention", *["38.9%"] * 6]


def test_the_table_stays_when_the_answer_is_printed(sweep: Sweep) -> None:
    runs = grid(1)[:2]
    sweep.start(runs)
    for each in runs:
        sweep.leave(each, "done")
    assert sweep.end("writing the report").splitlines()[-1] == "writing the report"
    frame = sweep.end()
    assert "writing" not in frame
    assert frame.splitlines()[1].split() == ["cnn", "38.9%", "2.0%"]


def test_sizes_that_families_do_not_share_have_a_row_each(sweep: Sweep) -> None:
    runs = [
        record(family, size) for family, size in zip(FAMILIES, (93322, 220874, 24458), strict=True)
    ]
    sweep.start(runs)
    sweep.leave(runs[0], "running", step=1)
    rows = [line.split() for line in sweep.wait_for("epoch 1/40").splitlines()[1:4]]
    assert rows == [["cnn", "93.3k", "0/1"], ["lstm", "221k", "0/1"], ["attention", "24.5k", "0/1"]]


def test_rows_that_are_done_make_way_on_a_low_screen_until_the_end(tmp_path: Path) -> None:
    low = Sweep(tmp_path, height=9)
    runs = [record(f"net{number}", 1000 + number) for number in range(12)]
    low.start(runs, finished=10)
    low.leave(runs[11], "running")
    frame = low.wait_for("net11-1011-mnist1d-s0  epoch")
    assert "net10" in frame
    assert "net0 " not in frame
    assert len(frame.splitlines()) < 9
    assert [line.split()[0] for line in low.end().splitlines()[1:13]] == [
        f"net{number}" for number in range(12)
    ]


def test_of_several_settings_validation_picks_the_one_that_is_shown(sweep: Sweep) -> None:
    """As an optimiser tries them, whose runs are not known beforehand."""
    sweep.start([], total=12)
    for rate, test, validation in ((0.1, 0.05, 0.3), (0.01, 0.25, 0.2)):
        made = record(
            "lstm", 4000, test_error=test, validation_error=validation, training__learning_rate=rate
        )
        sweep.leave(made, "done")
    assert re.search(r"lstm +25\.0%\n", sweep.wait_for("2/12"))


def test_amounts_of_data_and_references_have_their_own_rows(sweep: Sweep) -> None:
    few = record("cnn", 1000, data__train_samples=100)
    sweep.start([few, record("cnn", 1000), reference("svm", data__train_samples=100)], finished=3)
    rows = [line.split()[:-1] for line in sweep.end().splitlines()[1:4]]
    assert rows == [["cnn", "n100", "1k"], ["cnn", "all", "1k"], ["svm", "n100", "–"]]


def test_a_sweep_that_goes_on_grows_its_table(sweep: Sweep) -> None:
    first, more = grid(1)[0], grid(2)[1]
    sweep.start([first], finished=1)
    assert sweep.shows
    sweep.wait_for("1/1")
    sweep.shows.grow({more.run_key: state_of(more)}, {first.run_key: first})
    assert re.search(r"cnn +38\.9% 1/2\n", sweep.wait_for("1/2 "))


def test_a_failed_run_is_told_above_the_table(sweep: Sweep) -> None:
    runs = grid(1)[:2]
    sweep.start(runs)
    sweep.leave(runs[0], "failed", error="the loss became nan")
    frame = sweep.wait_for("1 failed")
    assert "the loss became" not in frame
    assert "1/2  cnn-300-mnist1d-s0  failed: the loss became nan" in sweep.printed.getvalue()


def test_off_a_terminal_each_run_that_ends_has_a_line(tmp_path: Path) -> None:
    plain = Sweep(tmp_path, terminal=False)
    runs = grid(1)[:3]
    plain.start(runs, finished=1)
    plain.leave(runs[1], "done", started=time.time() - 7)
    plain.leave(runs[2], "failed", error="no memory")
    plain.end()
    lines = plain.printed.getvalue().splitlines()
    assert sorted(re.sub(r"^\d", "n", line) for line in lines) == [
        "n/3  cnn-1000-mnist1d-s0  test error 2.00%  0:00 left",
        "n/3  cnn-3000-mnist1d-s0  failed: no memory  0:00 left",
    ]


def left(states: list[RunState], steps: dict[str, int], unknown: int = 0) -> float:
    """Return what is left, of runs that have done so many steps in 100 seconds."""
    pace = Pace()
    begun = dict.fromkeys(steps, 1)
    pace.seconds_left(states, begun, unknown, 900)
    seconds = pace.seconds_left(states, {key: 1 + steps[key] for key in steps}, unknown, 1000)
    assert seconds is not None
    return seconds


def test_one_long_run_tells_within_its_first_epoch_how_long_it_takes() -> None:
    state = state_of(record(), "running", started=600)
    assert Pace().seconds_left([state], {state.key: 1}, 0, 1000) is None
    assert left([state], {state.key: 39}) == pytest.approx(100 * 3960 / 39)


def test_runs_at_once_share_what_is_left_but_none_is_shorter_than_itself() -> None:
    runs = [record("cnn", 1000, seed) for seed in range(6)]
    at_work = [state_of(each, "running") for each in runs[:2]]
    waiting = [state_of(each) for each in runs[2:]]
    steps = {each.key: 100 for each in at_work}  # of 4,000, which take 4,000 seconds
    assert left(at_work + waiting, steps) == pytest.approx((2 * 3899 + 4 * 4000) / 2)
    assert left(at_work, steps, unknown=2) == pytest.approx((2 * 3899 + 2 * 4000) / 2)
    large = state_of(record("cnn", 100_000), "running")
    assert left([at_work[0], large], steps | {large.key: 40}) == pytest.approx(3959 * 2.5)


def test_what_was_not_seen_yet_is_judged_by_the_closest_that_was() -> None:
    small = state_of(record("cnn", 1000), "done", started=800)
    slow = state_of(record("lstm", 1000), "done", started=0)
    like, other = state_of(record("cnn", 1000, 1)), state_of(record("cnn", 32_000, 1))
    assert left([small, slow, like], {}) == pytest.approx(100)
    assert left([small, slow, other], {}) == pytest.approx(100 * 32**0.4)


def test_a_run_that_is_taken_up_is_judged_by_what_it_does_now() -> None:
    state = state_of(record(), "running", started=990)
    pace = Pace()
    pace.seconds_left([state], {state.key: 3000}, 0, 1000)
    assert pace.seconds_left([state], {state.key: 3100}, 0, 1050) == pytest.approx(50 * 9)
    like = state_of(record(seed=1))
    both = [replace(state, status="done"), like]
    assert pace.seconds_left(both, {}, 0, 1600) == pytest.approx(600 * 4)
