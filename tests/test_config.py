"""conf/ against the schema, bad values against their messages, and the run key."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from sizewise.config import (
    Config,
    decisive,
    flatten,
    known_keys,
    parse,
    parse_size,
    run_key,
    unknown_key,
)
from sizewise.data.own import OWN
from sizewise.data.published import PUBLISHED
from sizewise.errors import UserError
from sizewise.models import ALL_FAMILIES
from tests.lab import CONF

Compose = Callable[..., Config]


def options(*groups: str) -> list[str]:
    return [f"{group}={path.stem}" for group in groups for path in (CONF / group).glob("*.yaml")]


def given(option: str) -> list[str]:
    """Return the override with what it can't do without."""
    own = option in {f"data={name}" for name in OWN}
    return [option, "data.path=/here"] if own else [option]


def leaves(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    return {
        key: value
        for name, child in node.items()
        for key, value in leaves(child, f"{prefix}.{name}" if prefix else name).items()
    }


@pytest.mark.parametrize("option", options("model", "data", "training", "tracking", "experiment"))
def test_a_file_has_the_keys_that_fields_are_for_and_its_own_name(
    compose_raw: Callable[..., DictConfig], option: str
) -> None:
    raw = compose_raw(*given(option))
    shown, config = leaves(OmegaConf.to_container(raw, resolve=True)), parse(raw)
    assert flatten(config) == shown | {"size": parse_size(shown["size"])}
    group, _, name = option.partition("=")
    assert name == {"model": config.model.family, "data": config.data.name}.get(group, name)


def test_every_known_key_is_in_some_composed_config(compose: Compose) -> None:
    shown = {key for option in options("data") for key in flatten(compose(*given(option)))}
    assert shown == set(known_keys())


def test_every_family_and_every_set_has_a_file() -> None:
    assert {path.stem for path in (CONF / "model").glob("*.yaml")} == set(ALL_FAMILIES)
    assert {path.stem for path in (CONF / "data").glob("*.yaml")} == {*PUBLISHED, *OWN}


def test_defaults_are_the_published_data_and_the_articles_lstm(compose: Compose) -> None:
    config = compose()
    assert (config.model.family, config.model.width, config.model.depth) == ("lstm", 128, 2)
    assert (config.data.name, config.size, config.seed) == ("mnist1d", None, 0)


def test_the_article_is_trained_as_in_keras(compose: Compose) -> None:
    config = compose("experiment=article")
    training = config.training
    assert config.data.name == "mnist"
    assert (training.epochs, training.batch_size, training.learning_rate) == (10, 32, 0.001)
    assert (training.schedule, training.clip_grad_norm) == ("constant", None)
    assert (training.optimizer, training.momentum, training.weight_decay) == (
        *("keras_adam", None, None),
    )


def test_a_config_from_before_there_were_optimisers_is_adams(
    compose_raw: Callable[..., DictConfig], compose: Compose
) -> None:
    """As runs recorded it that can still be evaluated, served and reproduced."""
    composed = compose_raw()
    OmegaConf.set_struct(composed, False)
    for key in ("optimizer", "momentum", "weight_decay"):
        del composed.training[key]
    assert parse(composed) == compose()


def test_the_data_root_comes_from_the_environment(compose: Compose, data_root: Path) -> None:
    assert compose().data.root == str(data_root)


def test_the_data_root_is_data_without_the_environment(
    compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIZEWISE_DATA")
    assert compose().data.root == "data"


def test_the_store_comes_from_mlflows_variable(
    compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compose().tracking.uri == "sqlite:///mlruns/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert compose().tracking.uri == "http://example.org"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    assert compose().tracking.uri == "sqlite:///mlruns/mlflow.db"
    assert compose("tracking=server").tracking.uri == "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        (None, None),
        (500, 500),
        ("500", 500),
        ("2.5k", 2_500),
        ("10k", 10_000),
        (" 3K ", 3_000),
        ("1M", 1_000_000),
        ("1.25m", 1_250_000),
        (".5k", 500),
        (1e4, 10_000),
        ("1e4", 10_000),
        (500.0, 500),
    ],
)
def test_sizes_are_read_with_their_units(given: Any, parameters: int | None) -> None:
    size = parse_size(given)
    assert size == parameters
    assert size is None or type(size) is int


@pytest.mark.parametrize(
    "given",
    [
        *("huge", "-5", "nan", "", "k", "1.5.2k", "10kk", "10 000", "1e400k"),
        *(-5, float("nan"), float("inf"), True, [1, 2], {"a": 1}),
    ],
)
def test_what_is_not_a_size_is_refused(given: Any) -> None:
    with pytest.raises(UserError) as caught:
        parse_size(given)
    assert str(caught.value) == (
        f"size={given} is not a number of parameters: expected one like 500, 2.5k, 10k or 1M, "
        "or null"
    )


def test_size_reaches_the_config_as_a_number(compose: Compose) -> None:
    assert compose("size=2.5k").size == 2_500
    assert compose("size=1e4").size == 10_000


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        # Unknown keys.
        (
            "data.name=mnist",
            "no config key data.num_samples with data=mnist; choose a set by data=NAME",
        ),
        ("+foo=1", "there is no config key foo: there are: answer, checkpoint_minutes, data, "),
        (
            "+sede=1",
            "there is no config key sede: did you mean seed? (there are: answer, check",
        ),
        (
            "+training.epocs=3",
            "no config key training.epocs: did you mean epochs? (there are: augm",
        ),
        ("+model.widht=3", "there is no config key model.widht: did you mean width? (there are: _"),
        ("+model.foo.bar=1", "there is no config key model.foo: there are: _target_, depth, fam"),
        ("+data.num_sample=5", "no config key data.num_sample: did you mean num_samples? (there"),
        ("data=digits +data.num_samples=500", "there is no config key data.num_samples"),
        # Missing keys.
        ("~seed", "the config key seed has no value; give one with seed=VALUE"),
        ("~training.epochs", "training.epochs has no value; give one with training.epochs=VALUE"),
        ("training.epochs=???", "training.epochs has no value; give one with training.epochs=VALU"),
        ("~training", "the config key training has no value; give one with training=VALUE"),
        ("~data", "the config key data.name has no value; give one with data.name=VALUE"),
        # Wrong types.
        ("model.width=abc", "model.width=abc has the wrong type: expected int or null"),
        ("model.width=1.5", "model.width=1.5 has the wrong type: expected int or null"),
        ("model.width=[1]", "model.width=[1] has the wrong type: expected int or null"),
        ("training.epochs=2.5", "training.epochs=2.5 has the wrong type: expected int"),
        ("training.epochs=", "training.epochs= has the wrong type: expected int"),
        (
            "training.learning_rate=abc",
            "training.learning_rate=abc has the wrong type: expected fl",
        ),
        ("training.stop_loss=x", "training.stop_loss=x has the wrong type: expected float or null"),
        ("data.shuffle_seq=maybe", "data.shuffle_seq=maybe has the wrong type: expected bool"),
        ("tracking.uri={a:1}", "tracking.uri={'a': 1} has the wrong type: expected str"),
        # Out of range.
        ("size=0", "size=0 is out of range: expected at least 1"),
        ("size=huge", "size=huge is not a number of parameters: expected one like 500, 2.5k, 10k"),
        ("seed=-1", "seed=-1 is out of range: expected at least 0"),
        ("threads=0", "threads=0 is out of range: expected at least 1"),
        ("model.width=0", "model.width=0 is out of range: expected at least 1"),
        ("model.depth=0", "model.depth=0 is out of range: expected at least 1"),
        ("training.epochs=-1", "training.epochs=-1 is out of range: expected at least 1"),
        ("training.max_steps=0", "training.max_steps=0 is out of range: expected at least 1"),
        ("training.patience=0", "training.patience=0 is out of range: expected at least 1"),
        ("training.batch_size=0", "training.batch_size=0 is out of range: expected at least 1"),
        (
            "training.optimizer=adan",
            "optimizer=adan is out of range: expected 'adam', 'adamw', 'keras_adam' or 'sgd'",
        ),
        ("training.momentum=1", "training.momentum=1 is out of range: expected a number below 1"),
        (
            "training.momentum=0.9",
            "training.momentum=0.9 does not go with training.optimizer=adam: expected "
            "training.optimizer=sgd or training.momentum=null",
        ),
        (
            "training.weight_decay=-1",
            "training.weight_decay=-1 is out of range: expected at least 0",
        ),
        ("training.stop_loss=0", "training.stop_loss=0 is out of range: expected a number above 0"),
        ("training.learning_rate=0", "learning_rate=0 is out of range: expected a number above 0"),
        (
            "training.learning_rate=nan",
            "learning_rate=nan is out of range: expected a finite number",
        ),
        (
            "training.learning_rate=inf",
            "learning_rate=inf is out of range: expected a finite number",
        ),
        (
            "training.clip_grad_norm=-1",
            "clip_grad_norm=-1 is out of range: expected a number above",
        ),
        (
            "training.schedule=linear",
            "linear is out of range: expected 'constant', 'one_cycle' or 'cosine'",
        ),
        ("data.validation_fraction=-0.1", "=-0.1 is out of range: expected at least 0"),
        ("data.validation_fraction=1", "=1 is out of range: expected a number below 1"),
        ("data.num_samples=10", "data.num_samples=10 is out of range: expected at least 100"),
        ("data.seed=-1", "data.seed=-1 is out of range: expected at least 0"),
        ("size=1e11", "size=100000000000 is out of range: expected at most 10000000000"),
        ("threads=9999", "threads=9999 is out of range: expected at most 1024"),
        ("training.learning_rate=1e39", "learning_rate=1e+39 is out of range: expected at most"),
        ("tracking.experiment=''", "tracking.experiment= is out of range: expected a text"),
        ("tracking.experiment=5", "expected str; quote it: 'tracking.experiment=\"5\"'"),
        ("device=gpu", "device=gpu is out of range: expected auto, cpu, cuda, cuda:N or mps"),
        # What PyTorch's and NumPy's generators can't take.
        ("seed=18446744073709551616", "seed=18446744073709551616 is out of range"),
        ("data.seed=4294967296", "data.seed=4294967296 is out of range"),
    ],
)
def test_a_bad_override_is_explained_in_one_line(
    compose: Compose, overrides: str, words: str
) -> None:
    with pytest.raises(UserError) as caught:
        compose(*overrides.split())
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.init=keras", "'pytorch' or null"),
        ("parametrization=sp", "'mup' or null"),
        ("training.augment=turn", "flip, shift, crop, or several as flip+shift, or null"),
        ("threads=0", "at least 1 or null"),
        ("size=0", "at least 1 or null"),
        ("training.optimizer=adan", "'adam', 'adamw', 'keras_adam' or 'sgd'"),
        ("training.epochs=0", "at least 1"),
    ],
)
def test_null_is_offered_where_a_key_may_be_null(
    compose: Compose, override: str, expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        compose(override)
    assert str(caught.value) == f"{override} is out of range: expected {expected}"


def test_an_unknown_key_suggests_the_nearest_of_its_group() -> None:
    assert unknown_key("model.qqq").startswith("there is no config key model.qqq: there are:")
    assert "did you mean seed?" in unknown_key("sede")
    assert "did you mean num_samples?" in unknown_key("data.num_smaples")


def key_of(
    compose: Compose, *overrides: str, fingerprint: str = "bytes", source: str = "code"
) -> str:
    return run_key(compose(*overrides), None, fingerprint, source)


@pytest.mark.parametrize(
    "overrides",
    [
        "tracking.uri=sqlite:///elsewhere.db",
        "tracking.experiment=other",
        "tracking.artifacts=elsewhere",
        "data.root=elsewhere",
        "device=cpu",
        "threads=3",
        "seed=0",
    ],
)
def test_the_run_key_ignores_where_a_run_happens(compose: Compose, overrides: str) -> None:
    assert key_of(compose, overrides) == key_of(compose)


@pytest.mark.parametrize(
    "overrides",
    [
        "seed=1",
        "size=10k",
        "model=gru",
        "model.width=64",
        "model.depth=1",
        "model._target_=my.Network",
        "data=digits",
        "data.seed=43",
        "data.shuffle_seq=true",
        "data.validation_fraction=0.2",
        "training.learning_rate=0.011",
        "training.epochs=26",
        "training.max_steps=100",
        "training.clip_grad_norm=null",
        "training.schedule=cosine",
        "parametrization=mup",
    ],
)
def test_the_run_key_changes_with_what_shapes_the_result(compose: Compose, overrides: str) -> None:
    assert key_of(compose, overrides) != key_of(compose)


def test_a_key_that_is_off_is_no_part_of_a_run(compose: Compose) -> None:
    """So runs from before there was such a key keep theirs."""
    assert "parametrization" not in decisive(compose("parametrization=null"))
    assert decisive(compose("parametrization=mup"))["parametrization"] == "mup"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("training.optimizer=sgd", "rates of Adam, and not of training.optimizer=sgd: expected tr"),
        ("training.weight_decay=0.1", "no rule for training.weight_decay=0.1 in the gradient"),
    ],
)
def test_mup_is_refused_where_it_has_no_rule(compose: Compose, overrides: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        compose("parametrization=mup", overrides)
    assert compose(overrides).parametrization is None
    assert compose("parametrization=mup", overrides, "training.optimizer=adamw")


def test_the_run_key_changes_with_data_and_code(compose: Compose) -> None:
    keys = {
        key_of(compose),
        key_of(compose, fingerprint="other bytes"),
        key_of(compose, source="other code"),
        key_of(compose, fingerprint="code", source="bytes"),
    }
    assert len(keys) == 4
