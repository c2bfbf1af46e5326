"""Studies: named questions that ask something of the records beyond size. One file each."""

from collections.abc import Callable, Sequence

from sizewise.records import RunRecord
from sizewise.report.section import Section
from sizewise.report.studies import (
    compute,
    data_amount,
    deep_vs_classical,
    double_descent,
    initialisation,
    interpretability,
    label_noise,
    lr_transfer,
    precision,
    seq2seq,
    shuffled,
    stability,
    text,
)

# From usable runs to what a study says of them; None where they don't vary what it asks about.
STUDIES: tuple[Callable[[Sequence[RunRecord]], Section | None], ...] = (
    deep_vs_classical.section,
    data_amount.section,
    double_descent.section,
    label_noise.section,
    shuffled.section,
    seq2seq.section,
    stability.section,
    initialisation.section,
    precision.section,
    lr_transfer.section,
    compute.section,
    interpretability.section,
    text.section,
)
