"""Sweeps that go on by their report's own proposals."""

from dataclasses import replace
from pathlib import Path

import pytest

from sizewise.report.proposal import Proposal
from sizewise.report.stats.errors import CONFIDENCE
from sizewise.report.verdict import LOOKS
from sizewise.sweep.until import Until
from tests.processes import client, command, train
from tests.report.synthetic import record
from tests.tracking.test_resolve import Shelf


def proposal(seconds: float) -> Proposal:
    return Proposal(record(), [1000], None, [1], {}, seconds)


def test_a_sweep_looks_a_few_times_and_asks_more_of_each() -> None:
    until = Until(30, 1, looks=[])
    told = [until.look([record()] * (1 + number)) for number in range(LOOKS)]
    assert told == [True] * (LOOKS - 1) + [False]
    assert 1 - until.confidence == pytest.approx((1 - CONFIDENCE) / LOOKS)


def test_a_look_at_the_same_runs_is_none_but_one_from_before_counts() -> None:
    before = Until(30, 1, looks=[])
    for number in (1, 2, 3):
        before.look([record()] * number)
    until = Until(30, 1, looks=before.looks)
    assert until.look([record()] * 3)
    assert until.look([replace(record(), test_fingerprint="more test samples")] * 3)
    assert not until.look([record()] * 4)


def test_a_sweep_that_has_had_its_looks_goes_the_same_way_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = Until(10, 2, ())
    for number in range(1, LOOKS + 1):
        before.look([record()] * number)
    again = Until(10, 2, before.looks)
    assert again.look([record()])  # to what it has trained by then
    assert again.allows(is_new=False)
    capsys.readouterr()
    assert not again.allows(is_new=True)
    assert "5 looks at the answer are all" in capsys.readouterr().err
    assert not again.look([record()] * (LOOKS + 1))


def test_looks_at_runs_that_sweeps_share_count_for_each(store_folder: Path) -> None:
    shelf = Shelf(store_folder)
    for name, looks in (("sweep-1", "3-test 4-test 2-other"), ("sweep-2", "9-test")):
        shelf.store.client.set_tag(shelf.add_sweep(name), "looks", looks)
    until = Until(30, 1, looks=["5-test"])
    until.share(shelf.store, [replace(record(), sweep="sweep-1", test_fingerprint="test")])
    assert until.looks == {"3-test", "4-test", "5-test"}


def test_only_what_is_done_in_time_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    proposals = [proposal(50), proposal(200), proposal(60)]
    assert Until(1, 1, []).affordable(proposals) == proposals[:1]
    assert Until(1, 2, []).affordable(proposals) == [proposals[0], proposals[2]]
    assert "until.minutes=1 are over: lstm would take about 2 minutes" in capsys.readouterr().err


def test_a_sweep_goes_on_until_it_is_told(tmp_path: Path) -> None:
    small = ("training.epochs=1", "threads=1", "data=digits", "hydra/launcher=basic")
    told = ("answer.tolerance=90", "until=told", "until.minutes=5")
    typed = ("-m", "model=cnn", "size=300,1k", "seed=0", *small, *told)
    done = train(tmp_path, *typed, "hydra.sweep.dir=sweep")

    assert done.returncode == 0, done.stderr
    # one seed says nothing; with five any size is as good, so smaller ones are tried
    assert done.stdout.count(" to run") == 3, done.stdout
    assert "is too small" in done.stderr
    (sweep,) = client(tmp_path).search_runs(["1"], "tags.kind = 'sweep'")
    recommended = command(tmp_path, "where", f"enough:{sweep.info.run_name}")
    assert recommended.returncode == 0, recommended.stderr
    assert sweep.data.tags["enough"] in recommended.stdout
    assert sweep.data.tags["mlflow.note.content"].startswith("cnn: the smallest size run")
    assert sweep.data.metrics["cost/parameters"] < 200

    # the same answer, though 1 point is what is good enough where nothing else was said
    report = command(tmp_path, "report", sweep.info.run_name)
    assert report.stdout.startswith("cnn: the smallest size run"), report.stderr
    strict = command(tmp_path, "report", sweep.info.run_name, "--tolerance", "0.001")
    assert not strict.stdout.startswith("cnn: the smallest size run"), strict.stderr

    # and by the file of its records, which keep that they were looked at
    of_file = command(tmp_path, "report", "sweep/report/runs.jsonl", "--to", "of_file")
    assert of_file.returncode == 0, of_file.stderr
    for folder in ("sweep/report", "of_file"):
        assert "judged 98%" in (tmp_path / folder / "report.md").read_text()

    again = train(tmp_path, *typed, "hydra.sweep.dir=again")
    assert again.returncode == 0, again.stderr
    (same,) = client(tmp_path).search_runs(["1"], "tags.kind = 'sweep'")
    assert same.data.tags["looks"] == sweep.data.tags["looks"]


def test_an_optimiser_is_not_gone_on_with(tmp_path: Path) -> None:
    search = ("hydra/sweeper=optuna", "hydra.sweeper.n_trials=1", "training.epochs=1")
    done = train(tmp_path, "-m", "model=logistic", "seed=choice(1,2)", *search, "until=told")
    assert done.returncode == 2
    assert "until=told goes on from a grid" in done.stderr
