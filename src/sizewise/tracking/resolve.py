"""Which sweep is meant by a name, and which run by an id, its start, a name or `best:STUDY`."""

import difflib
import re
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from sizewise.errors import UserError, say
from sizewise.records import RunRecord
from sizewise.tracking.artifacts import Readable, readable
from sizewise.tracking.queries import StoredRun, members, search, sweeps_named
from sizewise.tracking.store import Store

BEST = "best:"
SHOWN = 8  # characters of a run's id


class StoredSweep(NamedTuple):
    """A sweep in the store: the command that started it, and its finished runs, oldest first.

    `left_out` has a line for each finished run that can't be read.
    """

    command: str
    records: list[RunRecord]
    left_out: list[str]


def find_sweep(store: Store, name: str) -> StoredSweep:
    """Return all sweeps called `name` as one, so that runs added later count with the first.

    Raises:
        UserError: there is no such sweep, or none of its runs is finished and can be read.
    """
    sweeps = sweeps_named(store, name)
    found = finished_members(store, name, sweeps)
    records = [record for _, record in reversed(found.runs)]
    return StoredSweep(sweeps[-1].tags["command"], records, found.left_out)


def finished_members(store: Store, name: str, sweeps: Iterable[StoredRun]) -> Readable:
    """Return the finished runs of any of `sweeps`, which are called `name`, newest first.

    Raises:
        UserError: there is none that can be read.
    """
    found = readable(store, members(store, sweeps))
    if found.runs:
        return found
    if found.left_out:
        raise UserError(
            f"no finished run of the sweep {name} can be read ({found.left_out[0]}); its command "
            "trains them again"
        )
    raise UserError(f"no run of the sweep {name} is finished yet")


def find_run(store: Store, wanted: str, *, finished: bool = True) -> StoredRun:
    """Return the run that a user means.

    Args:
        store: where.
        wanted: a run's id or its start, its name (the newest finished one's, if there are several,
            with a line that says so), or `best:STUDY`: the run of that sweep which does best on
            validation, in the epoch whose weights were kept; of equals the smallest.
        finished: whether it has to be.

    Raises:
        UserError: there is no such run, several fit, or it is not finished.
    """
    if wanted.startswith(BEST):
        return _best(store, wanted.removeprefix(BEST))
    found = _matching(store, wanted)
    if not found:
        raise UserError(_unknown(store, wanted))
    done = [run for run in found if run.status == "FINISHED"]
    if not finished:
        return (done or found)[0]
    if not done:
        raise UserError(_unfinished(found[0]))
    if len(done) > 1:
        say(f"{len(done)} finished runs are called {wanted}; taking the newest, {done[0].run_id}")
    return done[0]


def _matching(store: Store, wanted: str) -> list[StoredRun]:
    """Return the run with this id, those of this name, or the one whose id starts so."""
    quote = '"' if "'" in wanted else "'"
    if quote in wanted:
        return []
    if re.fullmatch("[0-9a-f]{32}", wanted):
        by_id = list(search(store, f"attributes.run_id = '{wanted}'"))
        if by_id:
            return _runs_only(by_id, wanted)
    named = list(search(store, f"attributes.run_name = {quote}{wanted}{quote}"))
    if named:
        return _runs_only(named, wanted)
    if not re.fullmatch("[0-9a-f]{1,31}", wanted):
        return []
    found = list(search(store, f"attributes.run_id LIKE '{wanted}%'"))
    found = [run for run in found if run.tags.get("kind") != "sweep"] or found
    if len(found) > 1:
        some = ", ".join(f"{run.run_id[:SHOWN]} ({run.name})" for run in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise UserError(f"{len(found)} ids start with {wanted}: {some}{more}; type more of one")
    return _runs_only(found, wanted)


def _runs_only(found: list[StoredRun], wanted: str) -> list[StoredRun]:
    """Leave out sweeps.

    Raises:
        UserError: there is nothing else.
    """
    runs = [run for run in found if run.tags.get("kind") != "sweep"]
    if found and not runs:
        name = shlex.quote(found[0].tags["sweep"])
        raise UserError(
            f"{wanted} is a sweep, not a run; expected one of `sizewise runs --study {name}`, or "
            f"best:{name}"
        )
    return runs


def _best(store: Store, study: str) -> StoredRun:
    found = finished_members(store, study, sweeps_named(store, study))
    for line in found.left_out:
        say(f"left out, since it can't be read: {line}")
    sets = sorted({_data(record) for _, record in found.runs})
    if len(sets) > 1:
        raise UserError(
            f"the runs of {study} are on different data ({'; '.join(sets)}), and their scores "
            f"don't compare: expected one of `sizewise runs --study {shlex.quote(study)}` by its id"
        )
    run, record = min(found.runs, key=lambda each: _rank(each[1]))
    say(
        f"best of {study}: {record.name} ({run.run_id}), with "
        f"{record.measure.name} {record.measure.shown(record.error('val'))} on validation"
    )
    return run


def _data(record: RunRecord) -> str:
    """Return the data set, with its own keys, that a run was validated on."""
    shared = ("data.name", "data.root", "data.train_samples", "data.validation_fraction")
    own = [
        f"{key}={value}"
        for key, value in record.config.items()
        if key.startswith("data.") and key not in shared
    ]
    return " ".join([record.data, *own])


def _rank(record: RunRecord) -> tuple[float, int, int]:
    return record.error("val"), record.parameters or 0, record.seed


def _unknown(store: Store, wanted: str) -> str:
    names = {run.name for run in search(store, "") if run.tags.get("kind") != "sweep"}
    if not names:
        return f"there are no runs in {store.shown} yet; make one with `python train.py`"
    close = difflib.get_close_matches(wanted, sorted(names), n=1, cutoff=0.5)
    if close:
        return f"there is no run {wanted}: did you mean {close[0]}? (`sizewise runs` lists them)"
    return (
        f"there is no run {wanted} in {store.shown}; expected an id, its start, a name or "
        "best:STUDY, as `sizewise runs` lists them"
    )


def _unfinished(run: StoredRun) -> str:
    reason = run.tags.get("error", "")
    why = f" ({reason.splitlines()[0]})" if reason else ""
    return (
        f"the run {run.name} ({run.run_id[:SHOWN]}) is {run.status.lower()}{why}; expected a "
        "finished one, as `sizewise runs` lists"
    )
