"""What the values of config keys may be: numbers within a range, sizes, quantities with a unit."""

import math
import os
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from sizewise.errors import UserError
from sizewise.uri import sqlite_at_home

LARGEST_SIZE = 10**10  # parameters
ROUNDING = 1e-12  # a float's: 1.005k is a whole number
MOST_SHOWN = 60  # characters of a value in an error
LARGEST_FLOAT = 3e38  # of float32, in which networks compute


def parse_size(size: Any) -> int | None:
    """Return a parameter budget as a whole number: 500, '2.5k', '10k', '1M', 1e4; None stays None.

    Raises:
        UserError: `size` is not such a number.
    """
    if size is None:
        return None
    match = re.fullmatch(r"([0-9]*\.?[0-9]+(?:e\+?[0-9]{1,2})?)([kKmM]?)", str(size).strip())
    count = math.nan
    if match is not None and not isinstance(size, bool):
        count = float(match[1]) * {"": 1, "k": 1e3, "m": 1e6}[match[2].lower()]
    if not math.isfinite(count) or abs(count - round(count)) > ROUNDING * count:
        text = str(size) if len(str(size)) <= MOST_SHOWN else f"{str(size)[:MOST_SHOWN]}…"
        raise UserError(
            f"size={text} is not a number of parameters: expected one like 500, 2.5k, 10k or 1M, "
            "or null"
        )
    return round(count)


Count = Annotated[int, Field(ge=1, le=10**9)]
Text = Annotated[str, Field(min_length=1)]
Place = Annotated[Text, AfterValidator(os.path.expanduser)]  # no shell expands the ~ of KEY=~/x
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]  # NumPy takes no other
Positive = Annotated[float, Field(gt=0, le=LARGEST_FLOAT, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST_FLOAT, allow_inf_nan=False)]
Size = Annotated[int | None, Field(ge=1, le=LARGEST_SIZE), BeforeValidator(parse_size)]


# SQLAlchemy would make a folder called ~.
StoreUri = Annotated[Text, AfterValidator(sqlite_at_home)]


# A number of up to nine digits, and in some keys its unit; without one it may be typed as a number.
NUMBER = r"\d{0,9}\.?\d{1,9}"
Quantity = Annotated[str, BeforeValidator(lambda given: str(given) if _is_number(given) else given)]

Percent = Annotated[Quantity, Field(pattern=rf"^{NUMBER}%?$")]
Time = Annotated[Quantity, Field(pattern=rf"^{NUMBER}(us|ms|s)$")]
Bytes = Annotated[Quantity, Field(pattern=rf"^{NUMBER}(B|kB|MB|GB)$")]
SIDE = r"[1-9]\d{0,3}"  # of an image, in pixels
ImageSize = Annotated[
    Quantity,
    Field(
        pattern=rf"^(auto|{SIDE}(x{SIDE})?)$", description="auto, 32, or width and height as 32x48"
    ),
]


WAY = "(flip|shift|crop)"  # how an image may be varied


def _in_order(ways: str) -> str:
    """Return ways to vary an image, each once and in one order: the order changes nothing."""
    return "+".join(sorted(set(ways.split("+"))))


Augment = Annotated[
    str,
    Field(pattern=rf"^{WAY}(\+{WAY})*$"),
    AfterValidator(_in_order),
]


def _is_number(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


LabelNoise = Annotated[
    float, Field(ge=0, lt=1, allow_inf_nan=False), AfterValidator(lambda share: share or None)
]
