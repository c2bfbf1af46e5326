"""`sizewise explain`, as typed."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sizewise.data.published import read_arrays
from sizewise.predict.explained import explain
from sizewise.run.run import run
from tests.apply.test_commands import Call
from tests.apply.test_commands import call as call
from tests.lab import SERIES, STUDY, Lab, make_config, sizewise


def test_test_samples_are_explained_and_drawn(lab: Lab, call: Call, tmp_path: Path) -> None:
    asked = (
        lab.runs["attention"].name,
        "--samples",
        "2",
        "--seed",
        "3",
        "--out",
        f"{tmp_path}/out",
    )
    code, out, err = call("explain", *asked)
    assert code == 0
    assert "no INPUT was given: 2 of 40 test samples of mnist1d, drawn by --seed 3" in err
    lines = out.splitlines()
    assert lines[0] == "by attention"
    arrays = read_arrays(make_config(lab.folder, *SERIES).data)
    places = [int(each) for each in re.findall(r"^test sample (\d+)  ", out, re.MULTILINE)]
    assert lines[1].endswith(f"(it is {arrays.test_targets[places[0]]})")
    assert len(lines[2].strip()) == 40
    assert "on the template, which is" in lines[3]
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        *("map_01.png", "map_01.svg", "map_02.png", "map_02.svg", "maps.npz"),
    ]
    with np.load(tmp_path / "out/maps.npz") as kept:
        assert np.array_equal(kept["inputs"], arrays.test_inputs[places])
        assert kept["maps"].sum(axis=1) == pytest.approx(1)  # weights
        assert kept["attention"].shape == (2, 40, 40)
        assert str(kept["method"]) == "attention"
    with Image.open(tmp_path / "out/map_01.png") as picture:
        assert np.asarray(picture.convert("RGB")).std() > 10


def test_an_image_of_ones_own_is_explained(lab: Lab, call: Call, tmp_path: Path) -> None:
    pixels = np.zeros((8, 8), np.uint8)
    pixels[1:7, 3:5] = 255
    Image.fromarray(pixels).save(tmp_path / "one.png")
    (tmp_path / "bad.png").write_text("no image")
    inputs = (f"{tmp_path}/bad.png", f"{tmp_path}/one.png")
    code, out, err = call("explain", "best:" + STUDY, *inputs, "--out", f"{tmp_path}/out")
    assert code == 1
    assert f"{tmp_path}/bad.png: not an image" in err
    assert "no INPUT" not in err
    assert out.startswith("by grad cam\n")
    assert re.search(r"half of the map is on \d+ of 64 pixels, most at row \d, column \d\n", out)
    assert "#ffffff" in (tmp_path / "out/map_01.svg").read_text()


def test_a_method_that_does_not_suit_is_refused(lab: Lab, call: Call) -> None:
    code, out, err = call("explain", lab.runs["small"].run_id, "--method", "attention")
    assert (code, out) == (2, "")
    assert err.endswith(
        "sizewise: --method attention does not suit CNN: expected grad_cam or "
        "integrated_gradients\n"
    )


def test_integrated_gradients_say_against_what(lab: Lab, call: Call) -> None:
    asked = (lab.runs["lstm"].run_id, "--method", "integrated_gradients", "--samples", "1")
    code, out, _ = call("explain", *asked)
    assert code == 0
    assert out.startswith("by integrated gradients, against the training mean\n")


def test_a_map_without_anything_on_it_is_said_to_be_so(
    lab: Lab, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*given: Any) -> Any:
        maps, answers = explain(*given)
        return maps._replace(values=np.zeros_like(maps.values)), answers

    monkeypatch.setattr("sizewise.apply.explain.explain", nothing)
    code, out, _ = call("explain", lab.runs["lstm"].run_id, "--samples", "1")
    assert code == 0
    assert out.splitlines()[2] == (
        "  nothing in it speaks for the answer; another --method may tell more"
    )


def test_what_answers_attend_to_is_told_and_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("data=reverse", "data.num_samples=300", "data.length=5", "data.shortest=2")
    short = ("training=pairs", "training.max_steps=60", "model.width=4", "threads=1")
    config = make_config(tmp_path, "model=seq2seq_dot", *data, *short)
    record = run(config, tmp_path / "run", quiet=True)
    asked = ("explain", "--uri", f"sqlite:///{tmp_path / 'mlflow.db'}", record.run_id)

    assert sizewise(*asked, "--samples", "2", "--out", str(tmp_path / "maps")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert ["→" in line for line in lines] == [True, False, True, False, False]
    assert lines[1].count("←") == lines[1].count("%") > 0
    names = {f"map_{number:02d}{end}" for number in (1, 2) for end in (".png", ".svg")}
    assert {path.name for path in (tmp_path / "maps").iterdir()} == names

    assert sizewise(*asked, str(tmp_path)) == 2
    assert "expected no INPUT" in capsys.readouterr().err
