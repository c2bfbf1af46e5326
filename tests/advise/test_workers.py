"""What came of a trial whose worker has ended."""

import pytest

from sizewise.advise.known import Trial
from sizewise.advise.workers import as_ran
from sizewise.sweep.pool import WorkerDied

NETWORK, REFERENCE = Trial("cnn", 1000, 0, 50, 0.01), Trial("svm", None)


@pytest.mark.parametrize("trial", [NETWORK, REFERENCE], ids=str)
def test_a_worker_that_was_killed_in_time_says_so(trial: Trial) -> None:
    ran = as_ran(trial, WorkerDied(1, -9))
    assert ran.why == "its process was killed (SIGKILL), perhaps for lack of memory"
    assert not ran.stopped


def test_one_that_took_too_long_goes_on_where_there_is_more_time() -> None:
    ran = as_ran(NETWORK, WorkerDied(1, -9), overdue=True)
    assert (ran.why, ran.stopped) == ("stopped: out of time", True)
    assert as_ran(REFERENCE, WorkerDied(1, -9), overdue=True).why.startswith("not fitted within")
