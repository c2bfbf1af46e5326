"""What was seen and decided, line by line: enough to decide the same again.

A line is an event: `began` (what was asked, and a step's seconds on noise), `decided`, `ran` (what
came of a decision's trials, and the seconds used so far), `advised`, and `resumed`, where it was
typed again, perhaps with another budget.
"""

import json
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sizewise.advise.known import Trial
from sizewise.advise.policy import Decision
from sizewise.entry import STARTED
from sizewise.files import replacing
from sizewise.records import RunRecord, read_records

Event = dict[str, Any]
ENDS = ("decided", "ran", "advised")  # of which the last says where the work stands
TICK = 1.0  # seconds between notes of the time that was used


@dataclass(frozen=True)
class Log:
    """The files of one piece of advice, in its folder."""

    folder: Path

    DECISIONS, RUNS, ELAPSED = "decisions.jsonl", "runs.jsonl", "elapsed"

    def events(self) -> list[Event]:
        """Return all events in order."""
        path = self.folder / self.DECISIONS
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def write(self, event: str, **content: Any) -> None:
        """Add an event, on disk before anything follows from it."""
        self._replace(self.DECISIONS, [*self.events(), {"event": event, **content}])

    def records(self) -> dict[str, RunRecord]:
        """Return the runs' records by key."""
        path = self.folder / self.RUNS
        return {r.run_key: r for r in read_records(path)} if path.exists() else {}

    def keep(self, records: Mapping[str, RunRecord]) -> None:
        """Keep the runs' records."""
        self._replace(self.RUNS, [record.to_json() for record in records.values()])

    def elapsed(self) -> float:
        """Return the seconds used so far, also by what was killed; what lay between is no use."""
        path = self.folder / self.ELAPSED
        try:
            return float(path.read_text())
        except (OSError, ValueError):
            return 0.0

    def set_elapsed(self, seconds: float) -> None:
        """Keep the seconds used so far."""
        self._replace(self.ELAPSED, [round(seconds, 2)])

    def _replace(self, name: str, lines: Iterable[object]) -> None:
        texts = [each if isinstance(each, str) else json.dumps(each) for each in lines]
        with replacing(self.folder / name) as file:
            file.write("".join(f"{text}\n" for text in texts).encode())


class Clock:
    """Counts the seconds used, those of earlier attempts included, and notes them on disk."""

    def __init__(self, log: Log) -> None:
        self._log, self._before, self._ended = log, log.elapsed(), threading.Event()
        threading.Thread(target=self._note, daemon=True, name="clock").start()

    def elapsed(self) -> float:
        """Return the seconds used so far, from the start of the process."""
        return self._before + time.monotonic() - STARTED

    def stop(self) -> None:
        """Note the seconds once more, and no more."""
        self._ended.set()
        self._log.set_elapsed(self.elapsed())

    def _note(self) -> None:
        while not self._ended.wait(TICK):
            self._log.set_elapsed(self.elapsed())


def decisions(events: list[Event]) -> Iterator[tuple[int, Decision]]:
    """Yield each decision with its place among the events."""
    for place, event in enumerate(events):
        if event["event"] == "decided":
            trials = tuple(Trial(*each) for each in event["trials"])
            yield place, Decision(event["why"], trials)


def unfinished(events: Sequence[Event]) -> Decision | None:
    """Return the last decision, if its trials have not all ended."""
    last = next((each for each in reversed(events) if each["event"] in ENDS), None)
    if last is None or last["event"] != "decided" or not last["trials"]:
        return None
    return Decision(last["why"], tuple(Trial(*each) for each in last["trials"]))
