"""A fitted scikit-learn pipeline as bytes and back, by skops: data and types' names, no pickle."""

import io
import re
import zipfile
from typing import Any

from sizewise.errors import UserError, first_line

# Beyond what skops trusts of itself: plain numbers, NumPy's arrays, scikit-learn's estimators.
TRUSTED = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
SCHEMA = "schema.json"
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold


def to_bytes(pipeline: Any) -> bytes:
    """Return a fitted pipeline as a zip file; equal pipelines give equal bytes.

    skops names objects by their addresses and dates its entries, so both are put in order.
    """
    import skops.io

    source = zipfile.ZipFile(io.BytesIO(skops.io.dumps(pipeline)))
    schema = source.read(SCHEMA).decode()
    addresses = dict.fromkeys(re.findall(r'"__id__": (\d+)', schema))
    number = {address: str(index) for index, address in enumerate(addresses)}

    def renamed(found: re.Match[str]) -> str:
        return found[1] + number.get(found[2], found[2]) + found[3]

    schema = re.sub(r'("__id__": )(\d+)()', renamed, schema)
    schema = re.sub(r'("file": ")(\d+)(\.)', renamed, schema)
    arrays = {re.sub(r"^()(\d+)(\.)", renamed, each): each for each in source.namelist()}
    del arrays[SCHEMA]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for name in sorted(arrays):
            target.writestr(_entry(name), source.read(arrays[name]))
        target.writestr(_entry(SCHEMA), schema)
    return buffer.getvalue()


def from_bytes(content: bytes, expected: str) -> Any:
    """Return the pipeline that `to_bytes` wrote.

    Args:
        content: the bytes.
        expected: the class's name of the pipeline's last step.

    Raises:
        UserError: they hold something else, or a type beyond `TRUSTED` and skops's own list.
    """
    import skops.io
    from sklearn.pipeline import Pipeline

    try:
        pipeline = skops.io.loads(content, trusted=list(TRUSTED))
    except Exception as error:  # skops and the zip reader raise whatever a foreign file provokes
        raise UserError(
            f"the stored estimator can't be read ({first_line(error)}): expected one that "
            "sizewise wrote; train the run again with rerun=true"
        ) from error
    found = type(pipeline[-1]).__name__ if isinstance(pipeline, Pipeline) else type(pipeline)
    if found != expected:
        raise UserError(f"the stored estimator is a {found}; expected a pipeline to {expected}")
    return pipeline


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, FIRST_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
