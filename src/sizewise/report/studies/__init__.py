"""Studies: named questions that ask something of the records beyond size. One file each."""

from collections.abc import Callable, Sequence

from sizewise.records import RunRecord
from sizewise.report.section import Section
from sizewise.report.studies import data_amount

# From usable runs to what a study says of them; None where they don't vary what it asks about.
STUDIES: tuple[Callable[[Sequence[RunRecord]], Section | None], ...] = (data_amount.section,)
