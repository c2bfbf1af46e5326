"""`sizewise predict --prompt` and the other commands on runs that answer a prompt."""

import csv
import warnings
from collections.abc import Callable
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from sizewise.predict import Prompted, Ways, load
from sizewise.predict.shown import visible
from sizewise.records import RunRecord
from sizewise.run.run import run
from tests.lab import Lab, make_config, sizewise
from tests.processes import run_code

TEXT = ("data=pydoc", "data.window=16", "data.train_samples=64", "training=text", "threads=1")
FEW = ("training.max_steps=2", "training.epochs=1")
RUNS = {
    "small": ("model=gru", "model.width=2", "model.depth=1"),
    "large": ("model=attention", "model.width=6"),
}
PAIRS = ("data=reverse", "data.length=5", "data.shortest=3", "data.num_samples=200", "threads=1")
Call = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's and the ONNX exporter's own


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("texts")


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, RunRecord]:
    """Train the runs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        typed = {name: (*TEXT, *FEW, *more) for name, more in RUNS.items()}
        typed["pairs"] = ("model=seq2seq_dot", "model.width=3", *PAIRS, "training=pairs", *FEW)
        return {
            name: run(make_config(folder, *overrides), folder / name, quiet=True)
            for name, overrides in typed.items()
        }


@pytest.fixture
def call(folder: Path, runs: dict[str, RunRecord], capfd: pytest.CaptureFixture[str]) -> Call:
    """Return what calls a command on the runs by their names here, as in test_commands."""

    def call(name: str, *arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        named = [runs[each].run_id if each in runs else each for each in arguments]
        code = sizewise(name, "--uri", f"sqlite:///{folder}/mlflow.db", *named)
        return code, *capfd.readouterr()

    return call


def test_a_file_of_sequences_is_answered_line_by_line(
    folder: Path, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("abc\nxyz\ncba\n")
    code, out, err = call("predict", "pairs", f"{tmp_path}/in.txt")
    assert code == 1
    expected = [network(folder, "pairs").answer(each).text for each in ("abc", "cba")]
    assert [line.split("  ")[2] for line in out.splitlines()] == expected
    assert err.splitlines()[0].startswith(f"sizewise: {tmp_path}/in.txt, line 2: 'x' is no symbol")
    assert err.splitlines()[-1] == "sizewise: 2 predicted, 1 failed"
    code, out, err = call("predict", "pairs", "--prompt", "abc", "--beside", "pairs")
    assert (code, out.splitlines()[1]) == (0, expected[0])


def network(folder: Path, name: str) -> Prompted:
    found = load(folder / name / "model.pt")
    assert isinstance(found, Prompted)
    return found


def test_a_prompt_is_continued_by_both_runs(
    folder: Path, runs: dict[str, RunRecord], call: Call
) -> None:
    ways = ("--bytes", "9", "--temperature", "0.5", "--seed", "3")
    code, out, err = call("predict", "small", "--prompt", "你 ", "--beside", "large", *ways)
    assert (code, err) == (0, "")
    lines = []
    for name in RUNS:
        record, said = runs[name], network(folder, name).answer("你 ", Ways(9, 0.5, 3))
        size = f"{record.parameters:,} parameters"
        lines += [f"{record.name}: {size}, test bits per byte {record.error():.3f} bits"]
        lines += [f"你 {visible(said.text)}"]
    assert out == "\n".join(lines) + "\n"


def test_a_prompt_to_a_file(folder: Path, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    code, out, err = call("predict", "small", "--prompt", "", "--bytes", "5", "--output", str(path))
    assert (code, out) == (0, "")
    assert err.splitlines() == [
        "sizewise: an empty prompt: the text begins after a newline",
        f"sizewise: 1 answered (in {path})",
    ]
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    said = network(folder, "small").answer("", Ways(5))
    assert [row["character"] for row in rows] == [each.text for each in said.symbols]


MISTAKES = {
    ("predict", "small"): "the run is on pydoc, and continues a text: expected --prompt TEXT",
    ("predict", "small", "a.png"): "and continues a text: expected --prompt TEXT",
    ("predict", "small", "--prompt", "a", "b.png"): "expected no INPUT beside it",
    ("predict", "small", "--prompt", "a", "--bytes", "0"): "bytes is 0; expected 1 to 100,000",
    ("predict", "small", "--prompt", "a", "--temperature", "nan"): "temperature is nan; expected",
    ("predict", "small", "--prompt", "a", "--beside", "nope"): "there is no run nope",
    ("predict", "small", "--prompt", "a", "--beside", "pairs"): "which are not asked alike",
    ("predict", "pairs"): "expected INPUT, files or folders, or --prompt TEXT",
    ("predict", "pairs", "--prompt", "xyz"): "'x' is no symbol of reverse5: expected of a, b, c",
    ("predict", "pairs", "--prompt", "a", "--seed", "1"): "expected neither bytes nor a temp",
    ("predict", "pairs", "a.txt", "--strict"): "--strict is for inputs with a scale",
    ("explain", "small"): "expected a run on images, sequences or tables",
    ("evaluate", "small", "data=digits"): "data=digits is not read as pydoc",
}


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_told_in_one_line(call: Call, typed: tuple[str, ...]) -> None:
    code, out, err = call(*typed)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert err.startswith("sizewise: ")
    assert MISTAKES[typed] in err


IMAGES = {
    ("--prompt", "a"): "the run is on digits, and reads no prompt: expected INPUT",
    (): "there is nothing to predict: expected INPUT",
    ("a.png", "--bytes", "5"): "--bytes goes with --prompt TEXT",
    ("a.png", "--beside", "b"): "--beside goes with --prompt TEXT",
}


@pytest.mark.parametrize("typed", IMAGES)
def test_a_run_on_images_is_asked_no_prompt(
    lab: Lab, capfd: pytest.CaptureFixture[str], typed: tuple[str, ...]
) -> None:
    assert sizewise("predict", "--uri", lab.uri, lab.runs["small"].run_id, *typed) == 2
    err = capfd.readouterr().err
    assert IMAGES[typed] in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["large", "pairs"])
def test_evaluation_gives_the_logged_scores(
    runs: dict[str, RunRecord], call: Call, name: str
) -> None:
    code, out, err = call("evaluate", name)
    assert (code, err) == (0, "")
    record = runs[name]
    assert f"{record.measure.shown(record.error())} (standard error" in out
    assert f"{record.metrics['test/loss']:.4f} nats" in out
    if name == "pairs":
        assert f"symbol error    {record.metrics['test/symbol_error']:.2%}" in out


@pytest.mark.parametrize("name", ["small", "pairs"])
def test_a_run_trained_again_has_every_number(call: Call, name: str) -> None:
    code, out, err = call("reproduce", name)
    assert code == 0, out + err
    assert "every number is the same" in out


def block(folder: Path) -> str:
    return (folder / "README.md").read_text().split("```python\n")[1].split("```")[0]


def test_a_folder_for_onnx_continues_as_its_readme_says(
    folder: Path, call: Call, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
    to = tmp_path / "exported"
    code, out, _ = call("export", "large", "--format", "onnx", "--to", str(to))
    assert code == 0
    assert "test samples of pydoc: largest difference" in out
    alone = "import sys; sys.modules.update(sizewise=None, torch=None)\n"
    done = run_code(to, alone + block(to))
    assert done.returncode == 0, done.stderr
    said = network(folder, "large").answer("def ", Ways(100, 0))
    raw = b"def " + b"".join(each.raw for each in said.symbols)
    assert done.stdout == raw[:104].decode(errors="replace") + "\n"


def test_a_network_that_decodes_has_no_form_in_onnx(call: Call, tmp_path: Path) -> None:
    code, _, err = call("export", "pairs", "--format", "onnx", "--to", str(tmp_path / "exported"))
    assert (code, err.count("\n")) == (2, 1)
    assert "a Seq2SeqDot answers symbol by symbol" in err


def test_a_folder_for_pytorch_continues_as_its_readme_says(
    folder: Path, call: Call, tmp_path: Path
) -> None:
    to = tmp_path / "exported"
    assert call("export", "small", "--format", "torch", "--to", str(to))[0] == 0
    done = run_code(to, block(to) + "print([text, likelihoods])")
    assert done.returncode == 0, done.stderr
    said = network(folder, "small").answer("def ")
    assert done.stdout == f"{[said.text, [each[:2] for each in said.symbols]]}\n"


def test_mlflow_answers_a_column_of_prompts_in_the_ways_asked(
    folder: Path, runs: dict[str, RunRecord], call: Call, tmp_path: Path
) -> None:
    to = tmp_path / "exported"
    assert call("export", "small", "--format", "mlflow", "--to", str(to))[0] == 0
    store = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
    source = f"source_run_id = '{runs['small'].run_id}'"
    (logged,) = store.search_logged_models(["1"], source)
    prompts = pd.DataFrame({"prompt": ["a", "b"]})
    writer = network(folder, "small")
    for place in (str(to), logged.artifact_location):
        model = mlflow.pyfunc.load_model(place)
        assert model.predict(prompts) == [writer.answer(each).text for each in "ab"]
        fewer = model.predict(prompts, params={"bytes": 4, "seed": 1})
        assert fewer == [writer.answer(each, Ways(4, None, 1)).text for each in "ab"]
