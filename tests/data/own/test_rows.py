"""In which order rows stand."""

import numpy as np
import pandas as pd
import pytest

from sizewise.data.files.columns import as_numbers, as_texts, check_points
from sizewise.data.own.rows import in_order
from sizewise.errors import UserError

ORDERED = [
    ["2026-01-01 9:00", "2026-01-01 10:00", "2026-01-02"],
    ["2026-01-01 11:00 AM", "2026-01-01 01:00 PM", "2026-01-01 11:00 PM"],
    ["2026-01-01T23:00", "2026-01-01 23:30"],
    ["2026-10-25 02:30:00+02:00", "2026-10-25 02:00:00+01:00"],
    ["2026-01-01T00:00:00Z", "2026-01-01T00:00:01.5Z"],
    ["9", "10", "100"],
    ["0,5", "1", "1,25", "10,5"],
]
UNORDERED = [
    ["2026-01-01", "2026-01-02T00:00Z"],
    ["2026-13-01", "2026-12-01"],
    [f"2026-01-{day:02}" for day in range(1, 29)] + ["05/02/2026"],
    ["one", "two"],
]


@pytest.mark.parametrize("values", ORDERED, ids=lambda values: values[0])
def test_moments_and_numbers_are_in_their_own_order(values: list[str]) -> None:
    order = np.random.default_rng(0).permutation(len(values))
    found = in_order(pd.Series(values, name="t")[order], "data.time")
    assert found.tolist() == order.tolist()


def test_moments_of_parquet_are_too() -> None:
    summer = pd.to_datetime(["2026-10-25 00:30", "2026-10-25 01:00"], utc=True)
    found = in_order(pd.Series(summer.tz_convert("Europe/Berlin"), name="t")[::-1], "data.time")
    assert found.tolist() == [1, 0]


@pytest.mark.parametrize("values", UNORDERED, ids=lambda values: values[-1])
def test_what_has_no_order_is_refused(values: list[str]) -> None:
    with pytest.raises(UserError, match=r"data\.time=t can't be put in order"):
        in_order(pd.Series(values, name="t"), "data.time")


def test_decimal_commas_are_seen_wherever_they_begin() -> None:
    column = pd.Series(["1"] * 50 + ["0,5", "12,25", "1,500"], name="a")
    assert as_numbers(column, ".").numbers[-3:].tolist() == [0.5, 12.25, 1.5]  # type: ignore[index]
    thousands = pd.Series(["1,500", "2,250"], name="a")
    assert np.isnan(as_numbers(thousands, ".").numbers).all()  # type: ignore[arg-type]


def test_points_of_thousands_beside_decimal_commas_are_refused() -> None:
    commas = pd.Series(["12,5", "3,25"], name="price")
    check_points([commas, pd.Series(["1.25", "2.5"], name="rate")])
    check_points([pd.Series(["1.234", "999"], name="sold")])  # as it stands, a number
    with pytest.raises(
        UserError, match=r"column sold has '1\.234', which is 1234 or 1\.234, beside"
    ):
        check_points([commas, pd.Series(["1.234", "999", None], name="sold")])


def test_whole_numbers_have_one_text() -> None:
    texts = as_texts(pd.Series([1.0, np.nan, 2.5, 2.0**60], name="a")).texts
    assert texts is not None
    assert texts.tolist() == ["1", None, "2.5", str(2.0**60)]
