"""Does what was decided, within the budget, and goes on where it was stopped."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sizewise.advise.history import known_at
from sizewise.advise.known import Known, Place, Trial
from sizewise.advise.log import Clock, Log, unfinished
from sizewise.advise.policy import TRIED_STEPS, Decision, decide, to_try_out
from sizewise.advise.scope import Scope
from sizewise.advise.words import Advice, baseline_of, clock_words, ran_words
from sizewise.advise.workers import Ran, as_ran, make_store, step_seconds, train, write_search
from sizewise.errors import UserError, first_line
from sizewise.interrupts import stop_softly
from sizewise.sweep.job import STOP_ALL
from sizewise.sweep.pool import Pool
from sizewise.threads import others_at_work, share_of_cores
from sizewise.tracking.lifecycle import log_answer, put_right, start_sweep
from sizewise.tracking.queries import membership
from sizewise.tracking.store import STORE_ERRORS, Store, open_store

REFERENCE_SHARE = 0.1  # of the budget, for classical families
TRIED = (0, 2)  # of the sizes, on noise, before any is trained
FIRST_STEPS = 20  # of each
NEVER = 1e6  # seconds of a step that can't be taken
GRACE = 5.0  # seconds after which a run that does not stop is ended
EXIT_INTERRUPTED = 130  # what shells expect after Ctrl-C


class Session:
    """One piece of advice that is being worked at, in its folder."""

    def __init__(self, scope: Scope, folder: Path) -> None:
        self._scope = scope
        self.folder = folder
        self.log = Log(folder)
        self._stop_file = folder.resolve() / STOP_ALL
        self._share = share_of_cores(scope.jobs)

    def work(self) -> int:
        """Search, train what is advised, report it; return the exit code.

        Raises:
            UserError: the same advice is being worked at, or nothing could be trained.
        """
        scope = self._scope
        self.folder.mkdir(parents=True, exist_ok=True)
        others_at_work()  # to be counted by runs that begin meanwhile
        self._clock, self._pool = Clock(self.log), Pool(scope.jobs)
        tried = [] if self.log.events() else self._try_out_first()
        store = open_store(scope.config.tracking)
        for line in put_right(store):
            print(line)
        tags = {"command": scope.command, "answer": json.dumps(scope.asked)}
        parent, lock = start_sweep(store, scope.key, scope.name, self.folder, tags)
        self._stop_file.unlink(missing_ok=True)
        stop_softly(self._stop_file)
        self._tags = {"mlflow.parentRunId": parent, "sweep": scope.name}
        status = "FAILED"
        try:
            self._begin(tried)
            known = self._search(parent)
            if self._stop_file.exists() or not self._finish(known, store, parent):
                status = "KILLED"
                print(f"interrupted; it goes on with:\n  {scope.command}")
                return EXIT_INTERRUPTED
            status = "FINISHED"
            return 0
        finally:
            self._clock.stop()
            self._pool.close()
            _end(store, parent, status)
            lock.release()

    def _try_out_first(self) -> list[tuple[str, int, float]]:
        """Return the seconds of a step on noise, of each family at a few sizes.

        Beside it a worker makes the store, which takes seconds where there is none yet.

        Raises:
            UserError: one of them can't be trained.
        """
        asked = [
            (family, size)
            for family, sizes in self._scope.sizes.items()
            for at, size in enumerate(sizes)
            if at in TRIED
        ]
        make = partial(make_store, self._scope.config.tracking)
        found = self._try_out(asked, FIRST_STEPS, make)
        for (family, _), seconds in zip(asked, found, strict=True):
            if isinstance(seconds, BaseException):
                raise UserError(f"{family} can't be tried out: {first_line(seconds)}")
        return [(*place, seconds) for place, seconds in zip(asked, found, strict=True)]

    def _try_out(
        self, places: Sequence[Place], steps: int, *beside: Callable[[], None]
    ) -> list[Any]:
        """Return the seconds of a step on noise of each network, or why there are none."""
        scope, calls = self._scope, list[Callable[[], Any]](beside)
        for family, size in places:
            config = scope.config_of_family(family).model_copy(update={"size": size})
            samples = len(scope.dataset.train)
            calls.append(partial(step_seconds, config, scope.spec, samples, self._share, steps))
        found = dict(self._pool.run(calls))
        return [found[number] for number in range(len(beside), len(calls))]

    def _try_out_larger(self, places: Sequence[Place]) -> None:
        """Log the seconds of a step of networks that are larger than any seen."""
        found = self._try_out(places, TRIED_STEPS)
        steps = [
            (*place, NEVER if isinstance(seconds, BaseException) else seconds)
            for place, seconds in zip(places, found, strict=True)
        ]
        self.log.write("tried", tried=steps, elapsed=self._clock.elapsed())

    def _begin(self, tried: Sequence[tuple[str, int, float]]) -> None:
        """Log what all decisions start from, or that there is another budget now."""
        scope = self._scope
        began = [event for event in self.log.events() if event["event"] == "began"]
        budget = {"budget": scope.budget, "elapsed": self._clock.elapsed()}
        if not began:
            self.log.write(
                "began",
                **budget,
                overrides=scope.overrides,
                sizes={family: list(sizes.items()) for family, sizes in scope.sizes.items()},
                tried=tried,
                references=scope.references,
                jobs=scope.jobs,
                steps=scope.first_steps(max(seconds for _, _, seconds in tried)),
                rate=scope.config.training.learning_rate,
                measure=scope.measure,
                asked=scope.asked,
                baseline=baseline_of(scope.dataset),
            )
        else:
            self.log.write("resumed", **budget)
        samples = len(scope.dataset.train) + len(scope.dataset.validation)
        print(
            f"{scope.name}: {', '.join(scope.families)} on {samples:,} samples to learn from, and "
            f"{len(scope.dataset.test):,} to choose by; {clock_words(scope.budget)} in all",
            flush=True,
        )

    def _search(self, parent: str) -> Known:
        """Decide and train until nothing is left to decide, or Ctrl-C; return what is known."""
        while True:
            events = self.log.events()
            known = known_at(events, self.log.records())
            decision = unfinished(events)  # where it was stopped in the middle of one
            if decision is None:
                if (places := to_try_out(known)) and not self._stop_file.exists():
                    self._try_out_larger(places)
                    continue
                decision = decide(known)
                self.log.write("decided", why=decision.why, trials=decision.trials)
            about = f" (about {clock_words(known.makespan(decision.trials))})"
            self._say(decision.why + about * bool(decision.trials))
            if not decision.trials:
                return known
            self._train(decision, known, parent)
            if self._stop_file.exists():
                return known

    def _say(self, text: str) -> None:
        spent, budget = clock_words(self._clock.elapsed()), clock_words(self._scope.budget)
        print(f"[{spent} of {budget}] {text}", flush=True)

    def _train(self, decision: Decision, known: Known, parent: str) -> None:
        """Train a decision's trials, as many at once as there are cores; log what came of them."""
        budget, tags = self._scope.budget, self._tags | {membership(parent): "true"}
        left = max(1.0, budget - known.kept - self._clock.elapsed())
        ends = {
            False: time.time() + left,
            True: time.time() + min(left, REFERENCE_SHARE * budget),
        }
        deadlines = [ends[trial.size is None] for trial in decision.trials]

        def calls() -> Iterator[Callable[[], Ran]]:
            for trial, deadline in zip(decision.trials, deadlines, strict=True):
                if self._stop_file.exists():
                    return
                yield self._call(trial, tags, deadline, inner=True)

        def overdue(number: int) -> bool:
            is_network = decision.trials[number].size is not None
            return time.time() > deadlines[number] + GRACE * is_network

        ran, records = [], self.log.records()
        for number, result in self._pool.run(calls(), overdue):
            each = as_ran(decision.trials[number], result, overdue=overdue(number))
            trial, record = each.trial, each.record
            print(f"  {ran_words(trial, record, each.seconds, each.why)}", flush=True)
            if record is not None:
                records[record.run_key] = record
            ran.append(
                {
                    "trial": trial,
                    "key": record and record.run_key,
                    "seconds": each.seconds,
                    "forecast": None if trial.size is None else known.seconds(trial),
                    "stopped": each.stopped and trial.size is not None,
                    "why": each.why,
                }
            )
        if self._stop_file.exists():  # all of it goes on next time
            return
        self.log.keep(records)
        self.log.write("ran", runs=ran, elapsed=self._clock.elapsed())
        found = known_at(self.log.events(), records)
        if place := found.enough:
            shown = self._scope.measure.shown(found.errors(found.steps)[place])
            print(f"  so far: {place[0]} {place[1]:,}, {shown}", flush=True)

    def _call(
        self, trial: Trial, tags: dict[str, str], deadline: float, *, inner: bool
    ) -> Callable[[], Ran]:
        config, typed = self._scope.config_of(trial, inner=inner)
        name = hashlib.sha256(json.dumps([trial, inner]).encode()).hexdigest()[:12]
        folder = self.folder / "runs" / name
        stop = self._stop_file
        return partial(train, trial, config, folder, typed, tags, self._share, deadline, stop)

    def _finish(self, known: Known, store: Store, parent: str) -> bool:
        """Train what is advised on all training samples, and write the report beside it.

        Return whether that came to its end: not after Ctrl-C.
        """
        scope, trial = self._scope, known.final
        if trial is None:
            raise UserError(
                f"no network within the limits was trained in {clock_words(scope.budget)}: "
                "expected a larger budget, or no narrower answer.latency and answer.bytes"
            )
        self._say(f"on all training samples: {trial}")
        final = self._call(trial, self._tags, math.inf, inner=False)
        calls: list[Callable[[], Any]] = [final]
        if known.analysis:
            references = [r for t, r in known.runs.items() if t.size is None and r is not None]
            compared = [*known.analysis.usable, *references]
            folder = self.folder / "report"
            calls.append(partial(write_search, compared, folder, scope.name, scope.asked))
        results = dict(self._pool.run(calls))
        ran, page = as_ran(trial, results[0]), results.get(1)
        if ran.record is None and self._stop_file.exists():
            return False
        if ran.record is None:
            raise UserError(f"the final training has failed: {ran.why}")
        events = self.log.events()
        baseline = next(event["baseline"] for event in events if event["event"] == "began")
        ended = next(event["why"] for event in reversed(events) if event["event"] == "decided")
        advice = Advice(known, trial, ran.record, baseline, ended, scope.budget, scope.name)
        elapsed = self._clock.elapsed()
        self.log.write("advised", key=ran.record.run_key, elapsed=elapsed, said=advice.lines())
        print("", *advice.lines(), sep="\n")
        if isinstance(page, BaseException):
            print(f"no report: {first_line(page)}")
        elif page:
            print(f"report: {page}")
        try:
            log_answer(store, parent, "\n\n".join(advice.lines()), advice.final)
            store.client.set_tag(parent, "advised", advice.final.run_id)
            if (self.folder / "report").exists():
                store.client.log_artifacts(parent, str(self.folder / "report"), "report")
        except STORE_ERRORS as error:
            print(f"the advice is not in {store.shown}: {first_line(error)}")
        self._say("done")
        return True


def _end(store: Store, parent: str, status: str) -> None:
    try:
        store.client.set_terminated(parent, status)
        put_right(store)  # runs whose workers were ended
    except STORE_ERRORS as error:
        print(f"{store.shown} does not answer: {first_line(error)}")
