"""The study of what networks look at, on records with a known answer."""

import base64
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sizewise import sample_errors
from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.section import Section
from sizewise.report.stats.differences import Seeds
from sizewise.report.studies.interpretability import section
from sizewise.report.studies.interpretability.looks import pooled
from tests.report.synthetic import record

SAMPLES, PLACES = 60, 40


def run(
    size: int,
    seed: int,
    *,
    family: str = "cnn",
    half: float = 0.2,
    truth: float | None = 2.0,
    likeness: float = 0.1,
    at: int = 10,
    samples: int = SAMPLES,
) -> RunRecord:
    """Return a run whose maps have so much of everything, and lie about the place `at`."""
    random = np.random.default_rng([size, seed])

    def scores(mean: float) -> str:
        values = mean + 0.02 * random.normal() + 0.1 * random.normal(size=samples)
        return sample_errors.pack(values, weighted=True)

    measured = {
        **{"half": scores(half), "likeness": scores(likeness)},
        **{"deletion": scores(0.3), "insertion": scores(0.0)},
    }
    if truth is not None:
        measured |= {"truth": scores(truth), "pointing": scores(0.9)}
    shares = random.integers(0, 60, (samples, PLACES)).astype(np.uint8)
    shares[:, at] = 255
    maps = {
        **{"samples": samples, "places": PLACES, "incomplete": 0.001},
        "methods": {"grad_cam": measured, "integrated_gradients": measured},
        "shares": base64.b64encode(shares.tobytes()).decode(),
    }
    extras = {"maps": maps | ({} if truth is None else {"chance": 0.2})}
    return replace(record(family, size, seed, explain=samples), extras=extras)


def study(records: Sequence[RunRecord]) -> Section:
    found = section(records)
    assert found is not None
    return found


def grown(seeds: int = 3, **large: Any) -> list[RunRecord]:
    """Return runs of a small size, and of a large one that differs by `large`."""
    return [
        *(run(300, seed) for seed in range(seeds)),
        *(run(3000, seed, **large) for seed in range(seeds)),
    ]


@pytest.mark.parametrize(
    ("large", "told"),
    [
        ({"half": 0.05}, ["at less of the input"]),
        ({"half": 0.5}, ["at more of the input"]),
        ({"truth": 3.0}, ["more at the true places"]),
        ({"truth": 1.0}, ["less at the true places"]),
        ({"at": 30}, ["elsewhere"]),
        (
            {"half": 0.05, "truth": 3.0, "at": 30},
            ["at less of the input", "more at the true places", "elsewhere"],
        ),
        ({}, []),
    ],
)
def test_the_verdict_says_what_size_changes(large: dict[str, Any], told: list[str]) -> None:
    title = study(grown(**large)).title
    assert title.startswith("Larger models, by the maps of cnn: ")
    sure, _, unclear = title.partition("can't tell whether they look ")
    for words in ("at less of the input", "at more of the input", "less at the true places"):
        assert (f"{words} (" in sure) == (words in told)
    for words in ("more at the true places", "elsewhere"):
        assert (f"{words} (" in sure) == (words in told)
    assert unclear.count("(") == 3 - len(told)


def test_a_change_has_its_number_and_interval() -> None:
    found = re.search(r"less of the input \((.*?) points \[(.*?), (.*?)\]\)", title_of(half=0.05))
    assert found is not None
    value, low, high = map(float, found.groups())
    assert low < value < high
    assert low < -15 < high  # 5 % less 20 %, in points


def test_the_verdict_is_of_the_families_mean() -> None:
    same, less = grown(), [replace(each, family="lstm") for each in grown(half=0.05)]
    (alone,) = re.findall(r"input \((-[0-9.]+) points", title_of(half=0.05))
    title = study([*same, *less]).title
    assert title.startswith("Larger models, by the maps of cnn and lstm: ")
    (both,) = re.findall(r"input \((-[0-9.]+) points", title)
    assert float(both) == pytest.approx(float(alone) / 2, abs=2)


def test_only_seeds_that_all_families_have_count() -> None:
    one = Seeds((0, 1, 2), np.zeros(3), np.array([[0.0, 0], [1, 1], [2, 2]]))
    other = Seeds((2, 0), np.zeros(2), np.array([[4.0, 4], [2, 2]]))
    assert pooled([one, other]) is not None
    assert pooled([one, other])[0] == pytest.approx(2)  # type: ignore[index]
    assert pooled([one, Seeds((7,), np.zeros(1), np.zeros((1, 2)))]) is None
    assert pooled([one, None]) is None


def test_runs_on_fewer_samples_are_left_out() -> None:
    fewer = [
        replace(each, config=each.config | {"data.train_samples": 100}) for each in grown(half=0.5)
    ]
    assert study([*fewer, *grown(half=0.05)]).title == title_of(half=0.05)


def title_of(**large: Any) -> str:
    return study(grown(**large)).title


def test_the_sentences_tell_the_numbers() -> None:
    found = study(grown(half=0.05, likeness=0.8))
    first, own, by_gradients, method = found.sentences
    assert first.startswith("cnn, 300 → 3k parameters: half of a map is on 19.5% → 5.7% of")
    assert "deletion beats random order at 2 of 2 sizes, insertion at 0;" in own
    assert own.startswith("cnn by grad cam: ")
    assert by_gradients.endswith(", which is much: they show the input as well as the network.")
    assert method.startswith("Maps are of 60 test samples, for the class that the network tells")
    assert len(found.tables[0].rows) == 4
    assert len(found.charts[0].data["maps"]) == 2 * 2 * 6


def test_two_seeds_can_not_say_whether_sizes_look_elsewhere() -> None:
    found = study(grown(seeds=2, at=30))
    assert "elsewhere" not in found.title
    assert "takes three seeds" in found.sentences[0]


def test_a_set_without_a_known_truth_has_its_study_too() -> None:
    small = [run(300, seed, truth=None) for seed in range(3)]
    found = study([*small, *(run(3000, seed, truth=None, half=0.05) for seed in range(3))])
    assert "look at less of the input (" in found.title
    assert "true places" not in " ".join(found.sentences)
    assert len(found.charts[0].data["maps"]) == 2 * 2 * 4


def test_maps_of_other_numbers_of_samples_are_not_mixed_in() -> None:
    few = [run(9000, seed, samples=10) for seed in range(3)]
    assert study([*grown(), *few]).sentences == study(grown()).sentences


def test_there_is_no_study_without_maps_at_two_sizes() -> None:
    assert section([record(seed=seed) for seed in (0, 1)]) is None
    assert section([run(300, seed) for seed in (0, 1)]) is None


def test_the_report_shows_it(tmp_path: Path) -> None:
    report = write_report(grown(half=0.05), tmp_path, name="maps")
    assert str(report).startswith("Larger models, by the maps of cnn: look at less of the input")
    assert (tmp_path / "figures/maps_by_size.svg").exists()
    assert 'id="maps_by_size"' in (tmp_path / "report.html").read_text()
