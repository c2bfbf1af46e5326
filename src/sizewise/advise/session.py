"""Does what was decided, within the budget, and goes on where it was stopped."""

import hashlib
import json
import math
import shlex
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sizewise.advise.known import known_at
from sizewise.advise.log import Log
from sizewise.advise.policy import Decision, Known, Trial, decide
from sizewise.advise.words import Advice, baseline_of, left_words, ran_words
from sizewise.config import Config, TrackingConfig
from sizewise.config.as_train import compose, spelled
from sizewise.entry import STARTED
from sizewise.errors import Interrupted, UserError, first_line, heard_before
from sizewise.interrupts import stop_softly
from sizewise.models import find_class
from sizewise.place import CONF, TRAIN
from sizewise.records import RunRecord
from sizewise.report import write_report
from sizewise.report.verdict import look_confidence
from sizewise.run.budget import flops_of_training
from sizewise.run.data import load_for
from sizewise.run.estimate import estimate
from sizewise.run.folder import RunFolder
from sizewise.run.identity import architecture_of
from sizewise.run.run import run
from sizewise.sweep.job import STOP_ALL, StopFile
from sizewise.sweep.pool import Pool, WorkerDied
from sizewise.tasks import find_task
from sizewise.threads import available_cores, share_of_cores
from sizewise.tracking.lifecycle import log_answer, put_right, start_sweep
from sizewise.tracking.queries import membership
from sizewise.tracking.store import STORE_ERRORS, Store, open_store
from sizewise.training.loop import total_steps

INNER_TEST = 0.2  # of the training samples, on which the search is scored
FAMILIES = {"image": ("cnn", "mlp"), "sequence": ("cnn", "lstm", "attention"), "row": ("mlp",)}
REFERENCES = {"row": ("gradient_boosting", "random_forest")}
OTHER_REFERENCES = ("random_forest", "linear")
REFERENCE_SHARE = 0.1  # of the budget
SMALLEST, LARGEST, GROWTH = 250, 10_000_000, 4  # parameters
RUNS_HOPED_FOR = 40  # within the budget: a run of 4k parameters may take no larger share of it
TRIED = (0, 2)  # of the sizes, on noise, before any is trained
GRACE = 5.0  # seconds after which a run that does not stop is ended
TICK = 1.0  # seconds between notes of the time that was used


@dataclass(frozen=True)
class Ran:
    """What came of a trial: its record, or why there is none."""

    trial: Trial
    record: RunRecord | None
    seconds: float
    why: str = ""
    stopped: bool = False


def train(
    trial: Trial,
    config: Config,
    folder: Path,
    typed: Sequence[str],
    tags: dict[str, str],
    share: int,
    deadline: float,
    stop_file: Path,
) -> Ran:
    """Train a run in a worker, until `deadline` (seconds since 1970) at the latest."""
    started, stop = time.monotonic(), StopFile(stop_file)

    def asked_to_stop() -> bool:
        return time.time() > deadline or stop.is_there()

    command = shlex.join([*TRAIN, *typed])
    options: dict[str, Any] = {"tags": tags, "quiet": True, "take_up": True, "share": share}
    try:
        with heard_before():
            record = run(
                config, folder, typed, command=command, asked_to_stop=asked_to_stop, **options
            )
    except Interrupted:
        return Ran(trial, None, time.monotonic() - started, "stopped: out of time", stopped=True)
    except UserError as error:
        return Ran(trial, None, time.monotonic() - started, str(error))
    return Ran(trial, record, time.monotonic() - started)


class Session:
    """One piece of advice that is being worked at.

    Args:
        overrides: as for train.py, without the model.
        families: of networks; None takes those that suit the data.
        budget: seconds for all of it.

    Raises:
        UserError: the data can't be had, or no family can read them.
    """

    def __init__(
        self, overrides: Sequence[str], families: Sequence[str] | None, budget: float
    ) -> None:
        self._overrides, self._budget = list(overrides), budget
        self._named = families
        self._configs: dict[str, Config] = {}
        any_family = families[0] if families else "mlp"
        config = self._config_of_family(any_family)
        self._dataset = load_for(_searching(config))
        self._spec = self._dataset.spec
        self._families = self._readable()
        self._config = self._configs[self._families[0]]
        self._work = {family: self._sizes(family) for family in self._families}
        self._measure = find_task(self._spec.task).measure
        asked = [sorted(overrides), families, self._dataset.fingerprint]
        self.key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]
        self.name = f"{self._spec.name}-{self.key[:6]}"
        self.folder = Path("advice") / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = Log(self.folder)
        self._stop_file = self.folder / STOP_ALL
        self._jobs = available_cores()

    def _config_of_family(self, family: str) -> Config:
        if family not in self._configs:
            self._configs[family] = compose([*self._overrides, f"model={family}"], CONF)
        return self._configs[family]

    def _readable(self) -> list[str]:
        """Return the families of networks; those that were not named may not suit the data."""
        kind = self._spec.kind
        if kind not in FAMILIES:
            raise UserError(
                f"advise is for images, sequences and tables, and {self._spec.name} is of symbols: "
                "expected experiment=text or seq2seq of train.py"
            )
        found = []
        for family in self._named or FAMILIES[kind]:
            try:
                self._flops(family, None)
            except UserError:
                if self._named:
                    raise
                continue
            found.append(family)
        return found

    def _flops(self, family: str, size: int | None) -> float:
        """Return the FLOPs of a training step; by the parameters where they can't be counted."""
        config = self._config_of_family(family).model_copy(update={"size": size})
        each = flops_of_training(architecture_of(config, self._spec), self._spec)
        per_sample = each or 6 * (size or config.model.width or 1)  # Kaplan et al., 2020
        return float(per_sample * config.training.batch_size)

    def work(self) -> int:
        """Search, train what is advised, report it; return the exit code.

        Raises:
            UserError: the same advice is being worked at, or nothing could be trained.
        """
        lock = RunFolder(self.folder).claim(self.key)
        self._stop_file.unlink(missing_ok=True)
        self._pool = Pool(self._jobs)
        tried = list(self._try_out()) if not self.log.events() else []
        store = open_store(self._config.tracking)
        for line in put_right(store):
            print(line)
        tags = {"command": self.command, "answer": json.dumps(self._asked)}
        parent = start_sweep(store, self.key, self.name, self.folder, tags)
        stop_softly(self._stop_file)
        self._clock = Clock(self.log, self.log.elapsed())
        self._tags = {"mlflow.parentRunId": parent, "sweep": self.name}
        status = "FAILED"
        try:
            self._begin(tried)
            known = self._search(parent)
            if self._stop_file.exists():
                status = "KILLED"
                print(f"interrupted; it goes on with:\n  {self.command}")
                return 130
            advice = self._finish(known)
            self._tell(store, parent, advice)
            status = "FINISHED"
            return 0
        finally:
            self._clock.stop()
            self._pool.close()
            _end(store, parent, status)
            lock.release()

    @property
    def command(self) -> str:
        """Return what was typed."""
        models = [f"model={','.join(self._named)}"] if self._named else []
        budget = f"budget={self._budget:g}s"
        return shlex.join(["sizewise", "advise", *self._overrides, *models, budget])

    @property
    def _asked(self) -> dict[str, Any]:
        return self._config.answer.model_dump()

    def _begin(self, tried: Sequence[tuple[str, int, float]]) -> None:
        """Log what is asked; the first time, also what all decisions start from."""
        events = self.log.events()
        if not events:
            self.log.write(
                "began",
                budget=self._budget,
                elapsed=self._clock.elapsed(),
                overrides=self._overrides,
                work=self._work,
                references=self._references(),
                jobs=self._jobs,
                steps=self._first_steps(tried),
                rate=self._config.training.learning_rate,
                measure=self._measure,
                asked=self._asked,
                baseline=baseline_of(self._dataset),
            )
            for family, size, seconds in tried:
                self.log.write("tried", family=family, size=size, seconds=seconds)
        elif events[-1].get("budget") != self._budget:
            elapsed = self._clock.elapsed()
            self.log.write("began", budget=self._budget, elapsed=elapsed, **_start_of(events))
        samples = len(self._dataset.train) + len(self._dataset.validation)
        print(
            f"{self.name}: {', '.join(self._families)} on {samples:,} samples to learn from, and "
            f"{len(self._dataset.test):,} to choose by; {left_words(self._budget)} in all",
            flush=True,
        )

    def _sizes(self, family: str) -> list[tuple[int, float]]:
        """Return the sizes that a family grows through, with the FLOPs of a training step."""
        found, size = list[tuple[int, float]](), SMALLEST
        while size <= LARGEST:
            try:
                found.append((size, self._flops(family, size)))
            except UserError:  # below the family's smallest
                if found:
                    break
            size *= GROWTH
        if not found:
            raise UserError(f"model={family} can't be built at any of the sizes that are tried")
        return found

    def _references(self) -> list[str]:
        if self._spec.unequal:
            return []
        wanted = REFERENCES.get(self._spec.kind, OTHER_REFERENCES)
        numbers = self._spec.task == "regress"
        return [each for each in wanted if not numbers or _tells_numbers(each)]

    def _try_out(self) -> Iterator[tuple[str, int, float]]:
        """Yield the seconds of a step on noise, of each family at a few sizes.

        Beside it a worker makes the store, which takes seconds where there is none yet.
        """
        asked = [
            (family, sizes[at][0])
            for family, sizes in self._work.items()
            for at in TRIED
            if at < len(sizes)
        ]
        samples, share = len(self._dataset.train), share_of_cores(self._jobs)
        calls: list[Callable[[], Any]] = [partial(_make_store, self._config.tracking)]
        for family, size in asked:
            config = self._config_of_family(family).model_copy(update={"size": size})
            calls.append(partial(step_seconds, self._spec, samples, share, config))
        found = dict(self._pool.run(calls))
        for number, (family, size) in enumerate(asked, start=1):
            if isinstance(found[number], BaseException):
                raise UserError(f"{family} can't be tried out: {first_line(found[number])}")
            yield family, size, found[number]

    def _first_steps(self, tried: Sequence[tuple[str, int, float]]) -> int:
        """Return the config's own steps, or as many as the budget has room for."""
        own = total_steps(self._config.training, len(self._dataset.train))
        slowest = max(seconds for _, _, seconds in tried)
        room = self._jobs * self._budget / RUNS_HOPED_FOR / slowest
        return int(min(own, max(room, 50)))

    def _search(self, parent: str) -> Known:
        while True:
            events = self.log.events()
            known = known_at(events, self.log.records())
            last = events[-1]
            if last["event"] == "decided" and last["trials"]:  # it was killed in the middle of it
                decision = Decision(last["why"], tuple(Trial(*each) for each in last["trials"]))
            else:
                decision = decide(known)
                self.log.write("decided", why=decision.why, trials=decision.trials)
            if not decision.trials or self._stop_file.exists():
                print(f"{self._spent()} {decision.why}", flush=True)
                return known
            self._run_trials(decision, known, parent)
            if self._stop_file.exists():
                return known

    def _spent(self) -> str:
        return f"[{left_words(self._clock.elapsed())} of {left_words(self._budget)}]"

    def _run_trials(self, decision: Decision, known: Known, parent: str) -> None:
        """Train a decision's trials, as many at once as there are cores; log what came of them."""
        networks = [known.seconds(each) for each in decision.trials if each.size is not None]
        about = max(sum(networks) / self._jobs, max(networks, default=0.0))
        print(f"{self._spent()} {decision.why} (about {left_words(about)})", flush=True)
        search_ends = time.time() + max(known.left, 1.0)
        references_end = time.time() + REFERENCE_SHARE * self._budget
        deadlines = [search_ends if t.size is not None else references_end for t in decision.trials]
        tags = self._tags | {membership(parent): "true"}
        calls = (
            self._call(trial, tags, deadline, inner=True)
            for trial, deadline in zip(decision.trials, deadlines, strict=True)
        )

        def overdue(number: int) -> bool:
            grace = GRACE if decision.trials[number].size is not None else 0.0
            return time.time() > deadlines[number] + grace

        ran, records = [], self.log.records()
        for number, result in self._pool.run(calls, overdue):
            trial = decision.trials[number]
            each = _as_ran(trial, result)
            print(
                f"  {ran_words(each.trial, each.record, each.seconds, each.why, self._measure)}",
                flush=True,
            )
            forecast = None if trial.size is None else known.seconds(trial)
            key = each.record.run_key if each.record else None
            if each.record is not None:
                records[each.record.run_key] = each.record
            ran.append(
                {
                    "trial": trial,
                    "key": key,
                    "seconds": each.seconds,
                    "forecast": forecast,
                    "stopped": each.stopped and trial.size is not None,
                    "why": each.why,
                }
            )
        if self._stop_file.exists():  # what was stopped goes on next time
            return
        self.log.keep(records)
        self.log.write("ran", runs=ran, elapsed=self._clock.elapsed())
        found = known_at(self.log.events(), records)
        if place := found.enough:
            error = found.errors(found.steps)[place]
            print(f"  so far: {place[0]} {place[1]:,}, {self._measure.shown(error)}", flush=True)

    def _call(
        self, trial: Trial, tags: dict[str, str], deadline: float, *, inner: bool
    ) -> Callable[[], Ran]:
        config, typed = self._config_of(trial, inner=inner)
        where = hashlib.sha256(json.dumps([trial, inner]).encode()).hexdigest()[:12]
        folder = self.folder / "runs" / where
        share = share_of_cores(self._jobs)
        return partial(
            train, trial, config, folder, typed, tags, share, deadline, self._stop_file.resolve()
        )

    def _config_of(self, trial: Trial, *, inner: bool) -> tuple[Config, list[str]]:
        """Return a trial's config, and the overrides that give it."""
        config = self._config_of_family(trial.family)
        own: dict[str, Any] = {"seed": trial.seed}
        training: dict[str, Any] = {}
        if trial.size is not None:
            epoch = math.ceil(len(self._dataset.train) / config.training.batch_size)
            own["size"] = trial.size
            training = {
                "epochs": math.ceil(trial.steps / epoch),
                "max_steps": trial.steps,
                "learning_rate": trial.rate,
            }
        data = {"inner_test": INNER_TEST} if inner else {}
        typed = [*self._overrides, f"model={trial.family}"]
        typed += [f"{name}={value}" for name, value in own.items()]
        typed += [f"training.{name}={value}" for name, value in training.items()]
        typed += [f"data.{name}={value}" for name, value in data.items()]
        return config.model_copy(
            update={
                **own,
                "training": config.training.model_copy(update=training),
                "data": config.data.model_copy(update=data),
            }
        ), typed

    def _finish(self, known: Known) -> Advice:
        """Train what is advised on all training samples, and write the report beside it."""
        place = known.advised
        if place is None:
            raise UserError(
                f"no network within the limits was trained in {left_words(self._budget)}: expected "
                "a larger budget, or no narrower answer.latency and answer.bytes"
            )
        trial = Trial(*place, 0, known.steps, known.rate_of(*place, known.steps))
        print(f"{self._spent()} on all training samples: {trial}", flush=True)
        final = self._call(trial, self._tags, math.inf, inner=False)
        compared = known.analysis.usable if known.analysis else []
        references = [r for t, r in known.runs.items() if t.size is None and r is not None]
        calls: list[Callable[[], Any]] = [final]
        if compared:
            calls.append(
                partial(
                    _report,
                    [*compared, *references],
                    self.folder / "report",
                    self.name,
                    self._asked,
                )
            )
        results = dict(self._pool.run(calls))
        record = results[0].record if isinstance(results[0], Ran) else None
        if record is None:
            why = results[0].why if isinstance(results[0], Ran) else first_line(results[0])
            raise UserError(f"the final training has failed: {why}")
        page = results.get(1)
        events = self.log.events()
        baseline = next(e["baseline"] for e in events if e["event"] == "began")
        ended = next(e["why"] for e in reversed(events) if e["event"] == "decided")
        elapsed = self._clock.elapsed()
        advice = Advice(known, place, record, baseline, ended, self._budget, self.name)
        shown = "" if isinstance(page, BaseException) else page
        self.log.write("advised", key=record.run_key, elapsed=elapsed, said=advice.lines())
        print("\n".join(["", *advice.lines(), *([f"report: {shown}"] if shown else [])]))
        print(f"{left_words(self._clock.elapsed())} of {left_words(self._budget)} used", flush=True)
        return advice

    def _tell(self, store: Store, parent: str, advice: Advice) -> None:
        try:
            log_answer(store, parent, "\n\n".join(advice.lines()), advice.final)
            store.client.set_tag(parent, "advised", advice.final.run_id)
            if (self.folder / "report").exists():
                store.client.log_artifacts(parent, str(self.folder / "report"), "report")
        except STORE_ERRORS as error:
            print(f"the advice is not in {store.shown}: {first_line(error)}")


class Clock:
    """Counts the seconds used, those of earlier attempts included, and notes them on disk."""

    def __init__(self, log: Log, before: float) -> None:
        self._log, self._before, self._ended = log, before, threading.Event()
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


def _make_store(tracking: TrackingConfig) -> None:
    open_store(tracking)


def step_seconds(spec: Any, samples: int, share: int, config: Config) -> float:
    """Return the seconds of a training step on noise."""
    short = config.model_copy(
        update={"training": config.training.model_copy(update={"max_steps": 1, "flops": None})}
    )
    found = estimate(short, spec, architecture_of(config, spec), samples, share)
    return found.step_seconds or 0.0


def _searching(config: Config) -> Config:
    return config.model_copy(
        update={"data": config.data.model_copy(update={"inner_test": INNER_TEST})}
    )


def _tells_numbers(family: str) -> bool:
    return bool(getattr(find_class(family), "regressor_name", None))


def _start_of(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = next(event for event in events if event["event"] == "began")
    return {name: first[name] for name in first.keys() - {"event", "budget", "elapsed"}}


def _as_ran(trial: Trial, result: Any) -> Ran:
    if isinstance(result, Ran):
        return result
    why = first_line(result)
    if isinstance(result, WorkerDied) and trial.size is None:
        why = "not fitted within a tenth of the budget"
    return Ran(trial, None, 0.0, why)


def _report(records: Sequence[RunRecord], folder: Path, name: str, asked: Mapping[str, Any]) -> str:
    """Write the report of the search, in a worker; return where its page is."""
    shutil.rmtree(folder, ignore_errors=True)
    note = (
        "Errors called test errors are of samples held out from training for the search: the set's "
        "own test split is read once, by the model that is advised."
    )
    written = write_report(
        records,
        folder,
        name=name,
        asked=asked,
        notes=[note],
        confidence=look_confidence(),
        spell=lambda config: spelled(config, CONF),
    )
    return str(written.files[0])


def _end(store: Store, parent: str, status: str) -> None:
    try:
        store.client.set_terminated(parent, status)
        put_right(store)  # runs that were ended
    except STORE_ERRORS as error:
        print(f"{store.shown} does not answer: {first_line(error)}")
