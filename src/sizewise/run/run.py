"""One run, from its data to its record."""

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from sizewise import cost, garbage
from sizewise.config import Config, decisive
from sizewise.data import Dataset
from sizewise.errors import Interrupted, UserError, first_line, say
from sizewise.explain.measure import check_measurable
from sizewise.interrupts import held_back
from sizewise.models import Classical
from sizewise.place import TRAIN
from sizewise.records import RunRecord
from sizewise.run.budget import in_steps
from sizewise.run.course import Watched, course_of
from sizewise.run.data import load_for
from sizewise.run.folder import RunFolder
from sizewise.run.identity import Identity, identify, with_precision
from sizewise.run.network import build_on_threads, check_outputs, initialise
from sizewise.run.results import make_record
from sizewise.run.trained import trained_before
from sizewise.screen import Course, Screen
from sizewise.tasks import find_task
from sizewise.tracking import lifecycle
from sizewise.tracking.lifecycle import start_run
from sizewise.tracking.store import STORE_ERRORS, open_store
from sizewise.tracking.tracker import Tracker
from sizewise.training.device import prepare_torch
from sizewise.training.learner import learner_of
from sizewise.uri import hide_password


def run(
    config: Config,
    folder: Path,
    overrides: Sequence[str] = (),
    *,
    command: str | None = None,
    tags: dict[str, str] | None = None,
    quiet: bool = False,
    take_up: bool = False,
    asked_to_stop: Callable[[], bool] | None = None,
    share: int | None = None,
    shared_costs: Path | None = None,
    around: Callable[[Identity, Course], AbstractContextManager[Callable[[int], None]]]
    | None = None,
) -> RunRecord:
    """Train the network that `config` describes, score it once on the test set, and record it.

    Args:
        config: a parsed config.
        folder: for the run's files; made if it is not there.
        overrides: what was typed on the command line, for the record.
        command: what trains this run alone; by default made of the overrides.
        tags: for the MLflow run, in addition to its own.
        quiet: whether to keep off the screen.
        take_up: whether to return the record of the same run if the store has it finished, and to
            go on with it, in its own folder, if it was interrupted.
        asked_to_stop: whether to stop at the next step. By default Ctrl-C and SIGTERM say so.
        share: how many cores the run may use; by default all that this process may.
        shared_costs: a folder in which the runs of a sweep keep what it costs to use a network.
        around: called as soon as it is known what the run is and what it goes through at most; the
            rest is done within what it returns, which is told now and then of the steps done.

    Raises:
        UserError: something in the config, the folder, the data or the store can't be used; an
            MLflow run that has begun is kept and marked FAILED. (A loss that stops being finite is
            a result.)
        Interrupted: it was asked to stop; the MLflow run is marked KILLED.
    """
    folder.mkdir(parents=True, exist_ok=True)
    of_ones_own = config.model.target is not None  # its kernels are not known
    device = prepare_torch(config.device, warn_only=of_ones_own)
    config = with_precision(config)
    cost.reset_peak_memory(device)
    dataset = load_for(config).to(device)
    asked, config = config, in_steps(config, dataset.spec, len(dataset.train))
    prints = dataset.fingerprint, dataset.train_fingerprint
    identity = identify(config, dataset.spec, *prints)
    if RunFolder(folder).is_taken(by_other_than=identity.key if take_up else None):
        raise RunFolder(folder).refusal()
    model = build_on_threads(config, dataset.spec, identity.architecture, share).to(device)
    check_outputs(model, dataset)
    if config.explain is not None:
        check_measurable(model, dataset.spec)

    tags = tags or {}
    learner = learner_of(model, config)
    measure = find_task(dataset.spec.task).measure
    course = Course(learner.unit, learner.most, 1)
    if not isinstance(model, Classical):
        course = course_of(config.training, len(dataset.train))
    screen = Screen(identity.name, measure, course, Console(quiet=quiet))
    command = command or hide_password(shlex.join([*TRAIN, *overrides]))
    with (
        nullcontext(lambda _: None) if around is None else around(identity, course) as tell,
        _ending_in_words(identity.name, config.tracking.uri, folder, command),
        held_back() if asked_to_stop is None else nullcontext(asked_to_stop) as stop,
    ):
        store = open_store(config.tracking)
        found = None
        if take_up:
            unfinished = config.resume is not False
            found = lifecycle.take_up(store, identity.key, tags, unfinished=unfinished, stop=stop)
        if isinstance(found, RunRecord):
            screen.show_result(found, store.shown, store.page(found.run_id), finished_before=True)
            return found
        if config.resume and found is None:
            lifecycle.check_data_unchanged(store, identity.asked, dataset.fingerprint)
        if config.resume and found is None and not quiet:
            say(f"there is no interrupted run {identity.name} to resume: it begins anew")
        if found is None and stop():  # as when a sweep's parent has died: the next one starts it
            raise Interrupted
        tags = _tags(config, identity, device, dataset) | tags
        tags |= {"overrides": shlex.join(overrides), "command": command}
        tracker = found or start_run(store, identity.key, identity.name, folder, tags)
        RunFolder(folder).lead_to(tracker.folder)
        path = tracker.folder.path / RunFolder.CHECKPOINT

        def log(epoch: int, metrics: dict[str, float]) -> None:
            tracker.log(epoch, metrics)
            screen.show_epoch(epoch, metrics)
            tell(course.after(epoch))

        def show(step: int) -> None:
            screen.show_step(step)
            tell(step)

        checkpoint = Watched(path, identity.key, config.checkpoint_minutes, stop, show)
        if found is None:  # what an earlier run has left in this folder is not gone on from
            checkpoint.remove()

        with tracker, screen:
            model = _on_its_threads(model, tracker, config, identity, dataset).to(device)
            each = partial(tracker.log_steps, "step/loss") if config.tracking.each_step else None
            learner = learner_of(model, config, each)
            _log_setting(tracker, config, identity, dataset)
            with learner.limits():
                trained = trained_before(store, tags) if take_up else None
                if trained:
                    state = trained.hand_over(model, tracker)
                else:
                    garbage.go_on()
                    state = learner.fit(dataset, log, checkpoint)
                costs = trained.costs if trained else None
                record = make_record(
                    asked,
                    identity,
                    dataset,
                    model,
                    state,
                    learner.unit,
                    tracker,
                    costs,
                    shared_costs,
                )
        checkpoint.remove()
    screen.show_result(record, store.shown, store.page(record.run_id))
    return record


def _tags(
    config: Config, identity: Identity, device: torch.device, dataset: Dataset
) -> dict[str, str]:
    """Return what a run is by its tags in the store."""
    return {
        "family": config.model.name,
        "size": "none" if identity.parameters is None else str(identity.parameters),
        "seed": str(config.seed),
        # They decide the last bit of what comes out.
        "threads": str(torch.get_num_threads()),
        "device": device.type,
        "measure": json.dumps(find_task(dataset.spec.task).measure._asdict()),
        "test_set": dataset.test_fingerprint,
        "training_key": identity.training_key,
        "asked": identity.asked,
        "fingerprint": dataset.fingerprint,
    }


def _on_its_threads(
    model: nn.Module, tracker: Tracker, config: Config, identity: Identity, dataset: Dataset
) -> nn.Module:
    """Return the network on the threads that the run began with, unless others are asked for."""
    recorded, threads = tracker.tags.get("threads", ""), str(torch.get_num_threads())
    if recorded == threads:
        return model
    if config.threads is None and recorded.isdecimal():
        return initialise(config.seed, dataset.spec, identity.architecture, int(recorded))
    tracker.store.client.set_tag(tracker.run_id, "threads", threads)
    return model


@contextmanager
def _ending_in_words(name: str, store: str, folder: Path, command: str) -> Iterator[None]:
    """Turn what can end a run before its time into what the user can do about it."""
    again = f"goes on with: {command} resume=true"
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(f"{name} is interrupted; it {again}") from error
    except UserError:
        raise
    except OSError as error:
        what = f"{error.filename or folder} can't be written ({error.strerror or error})"
        raise UserError(f"{what}; when it can, the run {again}") from error
    except STORE_ERRORS as error:
        what = f"the MLflow store {store} fails ({hide_password(first_line(error), store)})"
        raise UserError(f"{what}; when it does not, the run {again}") from error


def _log_setting(tracker: Tracker, config: Config, identity: Identity, dataset: Dataset) -> None:
    """Log what is to be trained, and on what."""
    solved = {
        "model.family": config.model.name,
        "parameters": identity.parameters,
        "model.width": identity.architecture.width,
        "features": identity.architecture.features,
        "data.train_samples": len(dataset.train),
    }
    solved = {name: value for name, value in solved.items() if value is not None}
    tracker.log_config(solved | decisive(config) | solved)  # MLflow shows them in this order
    shape = dataset.spec.input_shape
    sizes = {"train": len(dataset.train), "validation": len(dataset.validation), "shape": shape}
    uses = {
        "training": (dataset.fingerprint, sizes),
        "testing": (dataset.test_fingerprint, {"test": len(dataset.test), "shape": shape}),
    }
    tracker.log_datasets(config.data.name, uses)
