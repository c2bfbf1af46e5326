"""Networks that answer after each byte: they know those before, and no later one."""

import pytest
import torch

from sizewise.data import DataSpec
from sizewise.errors import UserError
from sizewise.models import FAMILIES, Architecture, build, find_class
from sizewise.sizing import count_parameters, solve_width
from tests.builders import DEPTHS

SPEC = DataSpec("text", (12,), (), task="next_byte", num_tokens=256, per_step=True)
ABLE = [name for name in FAMILIES if getattr(find_class(name), "reads_tokens", False)]


def architecture(family: str, width: int | None = 6) -> Architecture:
    return Architecture(family, width, DEPTHS.get(family))


def test_the_recurrent_families_and_those_of_attention_can_do_it() -> None:
    assert set(ABLE) >= {"lstm", "gru", "rnn", "attention", "transformer"}


@pytest.mark.parametrize("family", ABLE)
def test_an_answer_depends_on_no_later_byte(family: str) -> None:
    model = build(SPEC, architecture(family)).eval()
    text = SPEC.random_batch(3)
    later = text.clone()
    later[:, 7:] = (later[:, 7:] + 1) % 256

    with torch.no_grad():
        before, after = model(text), model(later)

    assert before.shape == (3, *SPEC.output_shape)
    assert torch.equal(before[:, :7], after[:, :7])
    assert not torch.equal(before[:, 7:], after[:, 7:])


@pytest.mark.parametrize("family", ABLE)
def test_an_answer_depends_on_the_bytes_before(family: str) -> None:
    model = build(SPEC, architecture(family)).eval()
    text = SPEC.random_batch(3)
    other = text.clone()
    other[:, 0] = (other[:, 0] + 1) % 256

    with torch.no_grad():
        assert not torch.equal(model(text)[:, 3], model(other)[:, 3])


@pytest.mark.parametrize("family", ABLE)
def test_a_size_is_reached(family: str) -> None:
    width = solve_width(30_000, SPEC, architecture(family, None))
    assert abs(count_parameters(build(SPEC, architecture(family, width))) / 30_000 - 1) < 0.05


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - set(ABLE)))
def test_the_others_say_which_can(family: str) -> None:
    with pytest.raises(UserError, match="which is text: expected model=lstm or"):
        build(SPEC, architecture(family))
