"""A run's tracker, made only when the run is under way."""

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sizewise.tracking.tracker import Tracker


class Opening:
    """Makes a run's tracker when it is first asked for, and closes the run as the tracker does.

    To import MLflow and open its store takes longer than all else before the first step.

    Args:
        make: returns the tracker.
        begin: what the tracker is to log first.
    """

    def __init__(self, make: "Callable[[], Tracker]", begin: "Callable[[Tracker], None]") -> None:
        self._make = make
        self._begin = begin
        self._asked = False
        self._tracker: Tracker | None = None

    def tracker(self) -> "Tracker":
        """Return the tracker.

        Raises:
            UserError, STORE_ERRORS: it can't be made.
        """
        if self._tracker is None:
            self._asked = True
            self._tracker = self._make().__enter__()
            self._begin(self._tracker)
        return self._tracker

    def __enter__(self) -> "Opening":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._tracker is not None or not self._asked:  # else making it is what has failed
            self.tracker().__exit__(kind, error, trace)
