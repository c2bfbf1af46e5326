"""Exported networks of tables take raw values by the columns' names, wherever they stand."""

import json
import runpy
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from sizewise.apply.export import export
from sizewise.predict import load
from sizewise.run.run import run
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store, open_store
from tests.lab import make_config, sizewise
from tests.processes import run_code

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's and the ONNX exporter's own

ROWS = 120
RANDOM = np.random.default_rng(0)
PLANS = np.array(["basic", "gold", "none at all"])[np.arange(ROWS) % 3]
CUSTOMERS = pd.DataFrame(
    {
        "age": RANDOM.integers(18, 90, ROWS),
        "plan": PLANS,
        "spent": (RANDOM.gamma(2.0, 300.0, ROWS) + 900 * (PLANS == "gold")).round(2),
        "active": RANDOM.random(ROWS) > 0.5,
    }
)
CUSTOMERS.loc[RANDOM.choice(ROWS, 20), "plan"] = None
NEW = CUSTOMERS[:4][["spent", "plan", "age", "active"]].assign(note="x")
SMALL = ("model=mlp", "model.width=4", "training.epochs=3", "threads=1", "data=table")


class Runs(NamedTuple):
    """A finished run that tells classes, and one that tells numbers."""

    folder: Path
    store: Store
    ids: dict[str, str]

    def exported(self, target: str, form: str, to: Path) -> tuple[Path, np.ndarray]:
        """Return the folder, and what the network answers to `NEW` in this process."""
        export(self.store, find_run(self.store, self.ids[target]), form, to / form)
        return to / form, np.asarray(load(self.folder / target / "model.pt").predict(NEW))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    CUSTOMERS.to_csv(folder / "customers.csv", index=False)
    ids = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        for target in ("plan", "spent"):
            own = (f"data.path={folder / 'customers.csv'}", f"data.target={target}")
            config = make_config(folder, *SMALL, *own)
            ids[target] = run(config, folder / target, quiet=True).run_id
    return Runs(folder, open_store(config.tracking), ids)


def test_a_folder_for_pytorch_answers_as_its_readme_says(runs: Runs, tmp_path: Path) -> None:
    folder, expected = runs.exported("plan", "torch", tmp_path)
    NEW.to_csv(folder / "more.csv", index=False)
    readme = (folder / "README.md").read_text()
    code = readme.split("```python\n")[1].split("```")[0]
    done = run_code(folder, f"{code}\nprint(probabilities.tolist(), labels)")
    assert done.returncode == 0, done.stderr
    shown = np.array(json.loads(done.stdout.split(" (")[0]))
    assert shown == pytest.approx(expected)
    assert done.stdout.strip().endswith("('basic', 'gold', 'none at all')")
    assert "| spent | a number | taken as" in readme


def test_mlflow_takes_a_frame_of_named_columns(runs: Runs, tmp_path: Path) -> None:
    folder, expected = runs.exported("spent", "mlflow", tmp_path)
    NEW.to_pickle(tmp_path / "new.pkl")
    code = (
        "import mlflow, pandas; model = mlflow.pyfunc.load_model('.')\n"
        f"print(model.predict(pandas.read_pickle({str(tmp_path / 'new.pkl')!r})).tolist())\n"
    )
    done = run_code(folder, code)
    assert done.returncode == 0, done.stderr
    assert np.array(json.loads(done.stdout)) == pytest.approx(expected)
    assert expected.mean() > 100  # in the target's unit


@pytest.mark.parametrize("target", ["plan", "spent"])
def test_onnx_has_what_encodes_raw_values_beside_it(
    runs: Runs, tmp_path: Path, target: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install '.[onnx]'")
    folder, expected = runs.exported(target, "onnx", tmp_path)
    encode = runpy.run_path(str(folder / "encode.py"))["encode"]
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    (found,) = session.run(None, {"inputs": encode(NEW.to_dict("records"))})
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_what_encodes_reads_values_as_the_network_does(runs: Runs, tmp_path: Path) -> None:
    folder, _ = runs.exported("plan", "onnx", tmp_path)
    encode = runpy.run_path(str(folder / "encode.py"))["encode"]
    row = NEW.to_dict("records")[0]
    number = next(name for name, value in row.items() if isinstance(value, float))

    def made(value: object) -> list[float]:
        return encode([{**row, number: value}]).ravel().tolist()  # type: ignore[no-any-return]

    assert made("true") == made(1) == made(1.0)
    assert made(pd.NA) == made(None) == made(float("nan")) == made(" ")
    for bad in ("inf", 1e300, "1_0", "many"):
        with pytest.raises(ValueError, match=r"infinite|expected a number|could not convert"):
            made(bad)


def test_a_category_may_be_called_nan(runs: Runs, tmp_path: Path) -> None:
    folder, _ = runs.exported("spent", "onnx", tmp_path)
    columns = json.loads((folder / "columns.json").read_text())
    (place, column) = next((i, each) for i, each in enumerate(columns) if each["categories"])
    column["categories"][0] = "nan"
    (folder / "columns.json").write_text(json.dumps(columns[place : place + 1]))
    encode = runpy.run_path(str(folder / "encode.py"))["encode"]
    text, missing = (encode([{column["name"]: each}]).ravel() for each in ("nan", float("nan")))
    assert text[0] == 1.0
    assert missing[: len(column["categories"])].sum() == 0.0


def test_scores_of_numbers_are_in_the_targets_unit(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--uri", runs.store.uri)
    assert sizewise("evaluate", runs.ids["spent"], *where) == 0
    said = capsys.readouterr().out
    (error,) = (line.split()[3] for line in said.splitlines() if "mean absolute error  " in line)
    stored = find_run(runs.store, runs.ids["spent"]).metrics["test/error"]
    assert float(error) == pytest.approx(stored, rel=1e-4)
    assert "root mean square error" in said
    assert "confusion" not in said
