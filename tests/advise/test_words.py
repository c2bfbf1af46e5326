"""What advice promises of a model on new samples, and what it holds that against."""

from dataclasses import replace

import numpy as np
import pytest

from sizewise.advise.words import baseline_of, interval_of
from sizewise.data.balance import balanced
from sizewise.sample_errors import pack
from tests.builders import make_dataset
from tests.report.synthetic import record


def test_where_classes_count_alike_the_commonest_is_no_better_than_another() -> None:
    dataset = make_dataset(50, 20, (1, 6), num_classes=4)
    assert baseline_of(dataset) == {"the commonest class": 0.75}
    (error,) = baseline_of(balanced(dataset)).values()
    assert error == pytest.approx(1 - 1 / 4)


@pytest.mark.parametrize(("count", "weighted"), [(40, False), (40, True), (50_000, False)])
def test_a_model_without_an_error_may_have_some_on_new_samples(count: int, weighted: bool) -> None:
    perfect = record(test_error=0.0)
    metrics = perfect.metrics | {"test/standard_error": 0.0}
    packed = pack(np.zeros(count), weighted=weighted)
    perfect = replace(perfect, metrics=metrics, sample_errors=packed)
    interval = interval_of(perfect)
    assert interval.low == 0
    assert 0 < interval.high < 0.1
