"""What was known when something was decided, from the log: the same for who decides and who checks.

The seconds that are kept back are those of the end: the final training on all training samples, and
the report beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sizewise.advise.forecast import Forecast
from sizewise.advise.known import Known, Trial, work_of
from sizewise.advise.log import Event, decisions
from sizewise.advise.policy import Decision, decide
from sizewise.records import Measure, RunRecord
from sizewise.report.goal import read_goal

END_SECONDS = 6.0  # of the report, of the final run beside its training, and of the last words
SPARE = 1.3  # of a forecast that must hold


def known_at(events: Sequence[Event], records: Mapping[str, RunRecord]) -> Known:
    """Return what is known after these events.

    Args:
        events: from the first on.
        records: of runs, by key; those of later events count for nothing.
    """
    began = next(event for event in events if event["event"] == "began")
    work = {
        family: {int(size): float(flops) for size, flops in sizes}
        for family, sizes in began["sizes"].items()
    }
    forecast, runs, elapsed, budget = Forecast(), dict[Trial, RunRecord | None](), 0.0, 0.0
    tried = [each for event in events for each in event.get("tried", ())]
    for family, size, seconds in tried:
        forecast.try_out(family, work_of(work[family], size), seconds)
    for event in events:
        elapsed, budget = event.get("elapsed", elapsed), event.get("budget", budget)
        for each in event["runs"] if event["event"] == "ran" else ():
            _take_in(each, records, runs, forecast, work)
    known = Known(
        work=work,
        references=began["references"],
        runs=runs,
        forecast=forecast,
        left=0.0,
        kept=0.0,
        jobs=began["jobs"],
        first_steps=began["steps"],
        rate=began["rate"],
        goal=read_goal(Measure(*began["measure"]), **began["asked"]),
        asked=began["asked"],
    )
    final = known.final
    kept = END_SECONDS + (SPARE * known.seconds(final) if final else 0.0)
    return replace(known, kept=kept, left=budget - elapsed - kept)


def _take_in(
    ran: Event,
    records: Mapping[str, RunRecord],
    runs: dict[Trial, RunRecord | None],
    forecast: Forecast,
    work: Mapping[str, Mapping[int, float]],
) -> None:
    trial = Trial(*ran["trial"])
    if ran["stopped"]:  # it goes on where there is more time
        return
    record = runs[trial] = records.get(ran["key"])
    if record is None or trial.size is None:
        return
    training = record.metrics["cost/train_seconds"]
    flops = work_of(work[trial.family], trial.size)
    beside = ran["seconds"] - training
    if beside < 0:  # it was finished before
        return
    forecast.see(trial.family, flops, training / max(1, record.steps), beside)


def differing(
    events: Sequence[Event], records: Mapping[str, RunRecord]
) -> list[tuple[int, Decision]]:
    """Return what would be decided otherwise now, by its place; there should be none."""
    found = []
    for place, decision in decisions(list(events)):
        again = decide(known_at(events[:place], records))
        if again != decision:
            found.append((place, again))
    return found
