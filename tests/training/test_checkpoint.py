"""Networks on disk and back, and files that are none."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sizewise.data import Normalisation
from sizewise.errors import UserError
from sizewise.models import Architecture
from sizewise.training.checkpoint import SavedModel, load_model, save_model
from tests.builders import CLASSIFIERS, DEPTHS, make_model, make_spec
from tests.training.malice import Malicious

IMAGE = (1, 8, 8)


def make_saved(family: str = "mlp") -> SavedModel:
    return SavedModel(
        spec=make_spec(IMAGE),
        normalisation=Normalisation([0.1], [1 / 3]),
        architecture=Architecture(family, 5, DEPTHS.get(family)),
        weights=make_model(family, 5, IMAGE, seed=7).state_dict(),
    )


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_network_survives_a_round_trip(tmp_path: Path, family: str) -> None:
    saved, path = make_saved(family), tmp_path / "model.pt"
    size = save_model(path, saved)
    loaded = load_model(path)
    assert size == path.stat().st_size
    assert replace(loaded, weights={}) == replace(saved, weights={})
    assert list(loaded.weights) == list(saved.weights)
    for name, weight in saved.weights.items():
        assert torch.equal(loaded.weights[name], weight), name
    original, rebuilt = make_model(family, 5, IMAGE, seed=7).eval(), loaded.build()
    inputs = torch.randn(3, *IMAGE)
    assert torch.equal(rebuilt(inputs), original(inputs))
    assert not rebuilt.training


def test_a_users_own_class_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_saved_network.py").write_text(
        "from torch import nn\n"
        "class Flat(nn.Sequential):\n"
        "    def __init__(self, spec, width):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(spec.num_features, width))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    target, weight = "my_saved_network.Flat", torch.randn(5, 64)
    saved = replace(
        make_saved(),
        architecture=Architecture("mlp", 5, target=target),
        weights={"1.weight": weight, "1.bias": weight[:, 0]},
    )
    save_model(tmp_path / "model.pt", saved)
    rebuilt = load_model(tmp_path / "model.pt").build()
    assert torch.equal(rebuilt.state_dict()["1.weight"], weight)


def test_saving_leaves_one_file(tmp_path: Path) -> None:
    save_model(tmp_path / "model.pt", make_saved())
    save_model(tmp_path / "model.pt", make_saved("cnn"))
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]
    assert load_model(tmp_path / "model.pt").architecture.family == "cnn"


def test_a_failed_save_keeps_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "model.pt"
    save_model(path, make_saved("cnn"))
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_model(path, make_saved("mlp"))
    assert load_model(path).architecture.family == "cnn"


def assert_refused(path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path} is not a sizewise model: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "model.pt"
    save_model(path, make_saved())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert_refused(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path / "model.pt")


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_text("These are not weights.\n")
    assert_refused(tmp_path / "model.pt")


@pytest.mark.parametrize("content", [{}, {"weights": {}}, torch.zeros(3), [1, 2], None], ids=str)
def test_other_files_of_pytorchs_are_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "model.pt")
    assert_refused(tmp_path / "model.pt")


def test_a_file_with_a_key_too_many_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_model(path, make_saved())
    torch.save(torch.load(path, weights_only=True) | {"more": 1}, path)
    assert_refused(path)


@pytest.mark.parametrize("kind", ["pickle", "archive"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, kind: str) -> None:
    path, folder = tmp_path / "model.pt", tmp_path / "made-by-code"
    if kind == "pickle":
        path.write_bytes(pickle.dumps(Malicious(folder)))
    else:
        torch.save({"spec": Malicious(folder)}, path)
    assert_refused(path)
    assert not folder.exists()
    if kind == "pickle":  # and it would have run
        pickle.loads(path.read_bytes())
        assert folder.exists()


def test_a_file_of_before_there_were_tasks_is_read(tmp_path: Path) -> None:
    weights = make_model("lstm", 5, IMAGE, seed=7).state_dict()
    content = {
        "spec": {"name": "digits", "input_shape": IMAGE, "class_names": tuple("0123456789")},
        "normalisation": {"mean": [0.1], "std": [0.5]},
        "family": "lstm",
        "width": 5,
        "depth": 2,
        "target": None,
        "weights": weights,
    }
    torch.save(content, tmp_path / "model.pt")

    saved = load_model(tmp_path / "model.pt")

    assert saved.architecture == Architecture("lstm", 5, 2)
    assert saved.spec.task == "classify"
    inputs = torch.randn(3, *IMAGE)
    assert torch.equal(saved.build()(inputs), make_model("lstm", 5, IMAGE, seed=7).eval()(inputs))
