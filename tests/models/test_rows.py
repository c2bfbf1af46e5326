"""Rows of a table and numbers to tell: who can do them, and who says that it can't."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sizewise.data import Dataset, DataSpec, Normalisation, Split
from sizewise.data.spec import Column, TableForm
from sizewise.errors import UserError
from sizewise.models import CLASSICAL, FAMILIES, Architecture, Classical, build
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from sizewise.training.classical import fit_classical
from sizewise.training.loop import fit
from tests.builders import DEPTHS, make_training

FORM = TableForm((Column("age", 40.0), Column("plan", categories=("a", "b"))), "spent", 20.0, 5.0)
ROWS = DataSpec("customers", (3, 1), ("leaves", "stays"), table=replace(FORM, target="churn"))
NUMBERS = DataSpec("customers", (3, 1), (), "regress", outputs=1, table=FORM)
WIDTHS = {"random_forest": 20, "gradient_boosting": 40, "mlp": 8}
READ = ["mlp", "logistic", *CLASSICAL]
TOLD = ["mlp", "logistic", "random_forest", "gradient_boosting"]


def made(family: str, spec: DataSpec) -> torch.nn.Module:
    return build(spec, Architecture(family, WIDTHS.get(family), DEPTHS.get(family)))


@pytest.mark.parametrize("family", [*FAMILIES, *CLASSICAL])
@pytest.mark.parametrize("spec", [ROWS, NUMBERS], ids=["classes", "numbers"])
def test_a_family_answers_or_says_which_can(family: str, spec: DataSpec) -> None:
    if family in (READ if spec is ROWS else TOLD):
        assert made(family, spec)(torch.randn(4, 3, 1)).shape == (4, spec.num_outputs)
        return
    with pytest.raises(UserError) as caught:
        build(spec, Architecture(family, 8, DEPTHS.get(family)))
    line = str(caught.value)
    assert line.startswith(f"model={family} ")
    assert "model=random_forest or gradient_boosting" in line or "model=mlp or logistic" in line


def dataset() -> Dataset:
    inputs = torch.randn(500, 3, 1)
    target = 2 * inputs[:, 0, 0] + inputs[:, 1, 0]
    scaled = torch.stack([(target - target.mean()) / target.std(), target.std().expand(500)], dim=1)
    train, validation, test = (
        Split(inputs[each], scaled[each]) for each in (slice(300), slice(300, 400), slice(400, 500))
    )
    unchanged = Normalisation([0.0] * 3, [1.0] * 3)
    return Dataset(NUMBERS, train, validation, test, unchanged, "made up")


@pytest.mark.parametrize("family", TOLD)
def test_numbers_are_learnt_and_a_saved_model_tells_them_again(family: str, tmp_path: Path) -> None:
    data, model = dataset(), made(family, NUMBERS)
    if isinstance(model, Classical):
        fitted = fit_classical(model, data, seed=0, log=lambda *_: None)
    else:
        fitted = fit(model, data, make_training(epochs=20), seed=0, log=lambda *_: None)
    assert fitted.best is not None
    assert fitted.best.error < 1.0  # of 1.8, which the mean alone would be off by
    asked = Architecture(family, WIDTHS.get(family), DEPTHS.get(family))
    saved = SavedModel(NUMBERS, data.normalisation, asked, dict(model.state_dict()))
    save_model(tmp_path / "model.pt", saved)
    again = load_model(tmp_path / "model.pt")
    assert again.spec == NUMBERS
    assert torch.equal(
        again.build()(data.test.batch(slice(9)).inputs), model(data.test.batch(slice(9)).inputs)
    )
