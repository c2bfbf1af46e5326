"""`sizewise advise`: how big for these data, within this time."""

import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from sizewise.advise.history import differing
from sizewise.advise.log import Log, decisions
from sizewise.advise.scope import Scope
from sizewise.advise.session import Session
from sizewise.advise.words import clock_words
from sizewise.errors import UserError
from sizewise.sweep.pool import warm_up

UNITS = {"s": 1, "min": 60, "h": 3600}
LEAST = 60  # seconds: starting and the last words take a third of that
OWN = ("budget", "model")


def run(arguments: Namespace) -> None:
    """Search within the budget and say what was found, or print why it was decided so.

    Raises:
        UserError: the budget can't be read, or advice can't be given.
    """
    own = {name: _given(arguments.overrides, name) for name in OWN}
    rest = [each for each in arguments.overrides if each.partition("=")[0] not in OWN]
    if not any(each.startswith("data=") for each in rest):
        raise UserError(
            "which data? expected sizewise advise data=folder data.path=photos/ budget=20min"
        )
    for taken in ("size=", "seed=", "model.width=", "training.learning_rate="):
        if any(each.startswith(taken) for each in rest):
            raise UserError(f"{taken[:-1]} is what advise decides: leave it out")
    families = None if own["model"] is None else own["model"].split(",")
    if not arguments.explain:
        warm_up("sizewise.sweep.preload")
    scope = Scope(rest, families, 0.0 if arguments.explain else _seconds(own["budget"]))
    session = Session(scope, Path("advice") / scope.name)
    if arguments.explain:
        explain(session.log)
        return
    if code := session.work():
        sys.exit(code)


def explain(log: Log) -> None:
    """Print each decision with its reason, and whether the records would decide the same again."""
    events, records = log.events(), log.records()
    if not events:
        raise UserError(f"nothing was decided yet in {log.folder}: leave --explain out")
    elapsed = 0.0
    for event in events:
        elapsed = event.get("elapsed", elapsed)
        if event["event"] == "decided":
            print(f"[{clock_words(elapsed)}] {event['why']}")
        if event["event"] == "ran":
            for each in event["runs"]:
                record = records.get(each["key"] or "")
                error = record.measure.shown(record.error()) if record else each["why"]
                family, size, seed, steps, rate = each["trial"]
                what = family if size is None else f"{family} {size:,} s{seed} {steps:,}x{rate:.3g}"
                about = f", {each['forecast']:.1f} s forecast" if each["forecast"] else ""
                print(f"    {what}: {error} ({each['seconds']:.1f} s{about})")
        if event["event"] == "advised":
            print("\n".join(f"[{clock_words(elapsed)}] {line}" for line in event["said"][:1]))
    others = differing(events, records)
    for place, again in others:
        print(f"by this version of the code, in place of {events[place]['why']!r}: {again.why}")
    if not others:
        count = len(list(decisions(events)))
        print(f"all {count} decisions follow from the records: they would be the same again")


def _given(overrides: Sequence[str], name: str) -> str | None:
    found = [each.partition("=")[2] for each in overrides if each.startswith(f"{name}=")]
    return found[-1] if found else None


def _seconds(budget: str | None) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|min|h)", budget or "")
    seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
    if seconds < LEAST:
        raise UserError(
            f"budget={budget or ''} can't be kept: expected at least 1min, as in budget=20min"
        )
    return seconds
