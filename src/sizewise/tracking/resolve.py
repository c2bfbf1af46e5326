"""Which sweep is meant by a name, and which run by an id, its start, a name, or a study."""

import difflib
import json
import math
import re
import shlex
from collections.abc import Sequence
from typing import Any, NamedTuple

from sizewise.config.keys import OF_SCORING
from sizewise.errors import UserError, say
from sizewise.records import RunRecord
from sizewise.tracking.artifacts import readable
from sizewise.tracking.queries import StoredRun, members, search, sweeps_named
from sizewise.tracking.store import Store

BEST, ENOUGH, ADVISED = "best:", "enough:", "advised:"
SHOWN = 8  # characters of a run's id


class StoredSweep(NamedTuple):
    """A sweep in the store: the command that started it, and its finished runs, newest first.

    `looked_at` is whether it went on by what its report said; `asked` is what was good enough, by
    the keys of the config's `answer`.
    """

    command: str
    runs: list[tuple[StoredRun, RunRecord]]
    looked_at: bool
    asked: dict[str, Any]


def find_sweep(store: Store, name: str) -> StoredSweep:
    """Return all sweeps called `name` as one, so that runs added later count with the first.

    A finished run that can't be read is left out, with a line that says so.

    Raises:
        UserError: there is no such sweep, or none of its runs is finished and can be read.
    """
    sweeps = sweeps_named(store, name)
    by_key, left_out = readable(store, members(store, sweeps))
    if left_out and not by_key:
        raise UserError(
            f"no finished run of the sweep {name} can be read ({left_out[0]}); its command trains "
            "them again"
        )
    if not by_key:
        raise UserError(f"no run of the sweep {name} is finished yet")
    for line in left_out:
        say(f"left out, since it can't be read: {line}")
    looked_at = any(sweep.tags.get("looks") for sweep in sweeps)
    asked = json.loads(sweeps[0].tags.get("answer", "{}"))  # none in sweeps of before
    return StoredSweep(sweeps[-1].tags["command"], list(by_key.values()), looked_at, asked)


def find_run(store: Store, wanted: str, *, finished: bool = True) -> StoredRun:
    """Return the run that a user means.

    Args:
        store: where.
        wanted: a run's id or its start, its name (the newest finished one's, if there are several,
            with a line that says so), or `best:STUDY`: the run of that sweep which does best on
            validation, in the epoch whose weights were kept; of equals the smallest. `enough:STUDY`
            is the run that its report recommends, `advised:NAME` the one that `sizewise advise`
            has trained in the end.
        finished: whether it has to be.

    Raises:
        UserError: there is no such run, several fit, or it is not finished.
    """
    if wanted.startswith(BEST):
        return _best(store, wanted.removeprefix(BEST))
    if wanted.startswith(ENOUGH):
        wanted = _enough(store, wanted.removeprefix(ENOUGH))
    if wanted.startswith(ADVISED):
        wanted = _advised(store, wanted.removeprefix(ADVISED))
    quote = '"' if "'" in wanted else "'"
    found: list[StoredRun] = []
    if quote not in wanted:
        found = list(search(store, f"attributes.run_name = {quote}{wanted}{quote}"))
    by_id = not found and re.fullmatch("[0-9a-f]{1,32}", wanted) is not None
    if by_id:
        found = list(search(store, f"attributes.run_id LIKE '{wanted}%'"))
    runs = [run for run in found if run.tags.get("kind") != "sweep"]
    done = [run for run in runs if run.status == "FINISHED"]
    if not runs:
        raise UserError(_no_run(store, wanted, found))
    if by_id and len(runs) > 1:
        some = ", ".join(f"{run.run_id[:SHOWN]} ({run.name})" for run in runs[:3])
        raise UserError(f"{len(runs)} ids start with {wanted}: {some}…; type more of one")
    if not finished:
        return (done or runs)[0]
    if not done:
        why = "".join(f" ({line})" for line in runs[0].tags.get("error", "").splitlines()[:1])
        raise UserError(
            f"the run {runs[0].name} ({runs[0].run_id[:SHOWN]}) is {runs[0].status.lower()}{why}; "
            "expected a finished one, as `sizewise runs` lists"
        )
    if len(done) > 1:
        say(f"{len(done)} finished runs are called {wanted}; taking the newest, {done[0].run_id}")
    return done[0]


def _no_run(store: Store, wanted: str, found: Sequence[StoredRun]) -> str:
    """Return why there is no run that is meant, where nothing or but sweeps were found."""
    if found:
        name = shlex.quote(found[0].tags["sweep"])
        return (
            f"{wanted} is a sweep, not a run; expected one of `sizewise runs --study {name}`, or "
            f"best:{name}"
        )
    names = {run.name for run in search(store, "") if run.tags.get("kind") != "sweep"}
    close = difflib.get_close_matches(wanted, sorted(names), n=1, cutoff=0.5)
    guess = f"did you mean {close[0]}? " if close else ""
    return (
        f"there is no run {wanted} in {store.shown}: {guess}expected an id, its start, a name, "
        "best:STUDY or enough:STUDY, as `sizewise runs` lists them"
    )


def _enough(store: Store, study: str) -> str:
    """Return the id of the run that the newest report of a study recommends."""
    for sweep in sweeps_named(store, study):
        if run_id := sweep.tags.get("enough"):
            return run_id
    raise UserError(
        f"no report of {study} has told yet which size is enough; best:{study} is the best so far"
    )


def _advised(store: Store, name: str) -> str:
    """Return the id of the run that is advised."""
    for sweep in sweeps_named(store, name):
        if run_id := sweep.tags.get("advised"):
            return run_id
    raise UserError(f"there is no advice yet for {name}: sizewise advise trains what it advises")


def _best(store: Store, study: str) -> StoredRun:
    runs = find_sweep(store, study).runs
    sets = sorted({_data(record) for _, record in runs})
    if len(sets) > 1:
        raise UserError(
            f"the runs of {study} are on different data ({'; '.join(sets)}), and their scores "
            f"don't compare: expected one of `sizewise runs --study {shlex.quote(study)}` by its id"
        )
    judged = [each for each in runs if math.isfinite(each[1].error("val"))]
    if not judged:
        raise UserError(
            f"the runs of {study} have no validation to be ranked by: name one by its id"
        )
    run, record = min(judged, key=lambda each: _rank(each[1]))
    say(
        f"best of {study}: {record.name} ({run.run_id}), with "
        f"{record.measure.name} {record.measure.shown(record.error('val'))} on validation"
    )
    return run


def _data(record: RunRecord) -> str:
    """Return the data set, with its own keys, that a run learnt from and was validated on."""
    of_training = ("data.train_samples", "data.label_noise", "data.label_noise_kind")
    shared = ("data.name", "data.root", "data.validation_fraction", *of_training)
    own = [
        f"{key}={value}"
        for key, value in record.config.items()
        if key.startswith("data.") and key not in (*shared, *OF_SCORING) and value is not None
    ]
    return " ".join([record.data, *own])


def _rank(record: RunRecord) -> tuple[float, int, int]:
    return record.error("val"), record.parameters or 0, record.seed
