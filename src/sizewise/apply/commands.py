"""The commands of `sizewise` that apply a run: their arguments, and what each calls.

Everything that takes time to import is imported when its command is called.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sizewise.errors import UserError, say
from sizewise.uri import (
    DEFAULT_STORE,
    hide_password,
    sqlite_at_home,
    sqlite_file,
    store_uri,
)

if TYPE_CHECKING:
    from rich.console import Console

    from sizewise.config import Config
    from sizewise.predict import Predictor
    from sizewise.tracking.queries import StoredRun
    from sizewise.tracking.store import Store

LOCALHOST = "127.0.0.1"
FORMATS = ("mlflow", "torch", "onnx")
Command = Callable[[argparse.Namespace], None]
RUN = "an id, its start, a name, or best:STUDY"


def store_arguments() -> argparse.ArgumentParser:
    """Return the arguments that say which store is meant."""
    store = argparse.ArgumentParser(add_help=False)
    store.add_argument(
        "--uri",
        default=store_uri(DEFAULT_STORE),
        type=lambda given: sqlite_at_home(given.strip()) or DEFAULT_STORE,
        # argparse reads a % as its own, and URIs have them
        help=f"the MLflow store (default: {hide_password(store_uri(DEFAULT_STORE))})".replace(
            "%", "%%"
        ),
    )
    store.add_argument("--experiment", default="sizewise", help="default: %(default)s")
    return store


def open_store(arguments: argparse.Namespace) -> "Store":
    """Open a store that is already there."""
    uri = arguments.uri
    database = sqlite_file(uri)
    if database is not None and not database.exists():
        raise UserError(f"there are no runs in {uri} yet; make one with `python train.py`")
    from sizewise.tracking.store import open_existing  # takes seconds: it imports mlflow

    return open_existing(uri, arguments.experiment)


def add_commands(
    commands: Any, store: argparse.ArgumentParser, compose: Callable[[list[str]], "Config"]
) -> None:
    """Add the commands to `sizewise`'s.

    Args:
        commands: what argparse's `add_subparsers` returned.
        store: see `store_arguments`.
        compose: returns the config that overrides give, as for train.py.
    """

    def add(name: str, command: Command, text: str, *more: argparse.ArgumentParser) -> Any:
        parser = commands.add_parser(name, parents=[store, *more], help=text)
        parser.set_defaults(command=command)
        return parser

    _add_uses(add, compose)
    _add_looks(add)


def _add_uses(add: Callable[..., Any], compose: Callable[[list[str]], "Config"]) -> None:
    """Add what applies a run's network to something."""
    code = _code_arguments()
    evaluating = add("evaluate", evaluate, "a run's scores on a test split, and calibration", code)
    evaluating.add_argument("run", metavar="RUN", help=RUN)
    evaluating.add_argument("overrides", nargs="*", help="as for train.py: data=mnist data.root=…")
    evaluating.set_defaults(compose=compose)

    predicting = add("predict", predict, "apply a run to images, CSV and NumPy files", code)
    predicting.add_argument("run", metavar="RUN", help=RUN)
    predicting.add_argument("inputs", nargs="+", type=Path, metavar="INPUT")
    predicting.add_argument("--output", type=Path, metavar="FILE.csv")
    predicting.add_argument("--overwrite", action="store_true", help="of a file that is there")
    text = "an input unlike all that the run was trained on counts as failed"
    predicting.add_argument("--strict", action="store_true", help=text)

    exporting = add("export", export, "a run's network as a folder by itself", code)
    exporting.add_argument("run", metavar="RUN", help=RUN)
    exporting.add_argument("--format", choices=FORMATS, required=True)
    exporting.add_argument("--to", type=Path, required=True, metavar="FOLDER")

    serving = add("serve", serve, "over HTTP, with a page that shows runs side by side", code)
    serving.add_argument("runs", nargs="+", metavar="RUN", help=RUN)
    serving.add_argument("--port", type=int, default=8000, help="default: %(default)s")
    serving.add_argument(
        "--host", default=LOCALHOST, help="default: %(default)s, this machine only"
    )


def _add_looks(add: Callable[..., Any]) -> None:
    """Add what looks at a run itself."""
    comparing = add("compare", compare, "configs, scores and costs of runs side by side")
    comparing.add_argument("runs", nargs="+", metavar="RUN", help=RUN)

    text = "train a run again and compare every number"
    reproducing = add("reproduce", reproduce, text, _code_arguments())
    reproducing.add_argument("run", metavar="RUN", help=RUN)
    reproducing.add_argument("overrides", nargs="*", help="data.root=FOLDER, if it has moved")

    finding = add("where", where, "a run's folder, artifacts and command")
    finding.add_argument("run", metavar="RUN|FOLDER", help=f"{RUN}; or its folder")


def _code_arguments() -> argparse.ArgumentParser:
    code = argparse.ArgumentParser(add_help=False)
    code.add_argument(
        "--allow-code",
        action="append",
        default=[],
        metavar="package.Class",
        help="import this class, which is not sizewise's own, if the run names it",
    )
    return code


def evaluate(arguments: argparse.Namespace) -> None:
    """Print a run's scores on a test split."""
    overrides = arguments.overrides
    for each in overrides:
        if not each.startswith(("data=", "data.")) or "=" not in each:
            raise UserError(f"{each} is not understood; expected data=NAME or data.KEY=VALUE")
    store, run = _find(arguments)
    from sizewise.apply.evaluate import evaluate_on, show
    from sizewise.apply.recorded import recorded_config

    predictor = _load(arguments, store, run)
    if any(each.startswith("data=") for each in overrides):
        config = arguments.compose(overrides)
    else:
        config = recorded_config(store, run, overrides)
    console = _console()
    console.print(f"{run.name} ({run.run_id})")
    show(evaluate_on(predictor, config.data), predictor, console)


def predict(arguments: argparse.Namespace) -> None:
    """Predict files; exit with 1 if any of them could not be read."""
    store, run = _find(arguments)
    from sizewise.predict.stream import predict_files

    predictor = _load(arguments, store, run)
    outcome = predict_files(
        predictor,
        arguments.inputs,
        arguments.output,
        overwrite=arguments.overwrite,
        strict=arguments.strict,
    )
    for kinds, count in outcome.adapted.most_common(5):
        say(f"{count:,} brought to {predictor.spec.name}'s form: {', '.join(kinds)}")
    if outcome.skipped:
        say(f"{outcome.skipped:,} other files in folders passed over")
    where = f" (in {arguments.output})" if arguments.output else ""
    if outcome.unlike:
        say(
            f"{outcome.unlike:,} unlike the training data: bring them to {predictor.spec.name}'s "
            "scale; --strict refuses such"
        )
    say(f"{outcome.predicted:,} predicted{where}, {outcome.failed:,} failed")
    if outcome.failed:
        sys.exit(1)


def export(arguments: argparse.Namespace) -> None:
    """Write a run's network to a folder."""
    store, run = _find(arguments)
    from sizewise.apply.export import export

    allowed = tuple(arguments.allow_code)
    done = export(store, run, arguments.format, arguments.to, allowed)
    print(f"{run.name} is in {arguments.to}\n{done}")


def serve(arguments: argparse.Namespace) -> None:
    """Serve runs until stopped."""
    from sizewise.serve.server import check_port, serve

    check_port(arguments.host, arguments.port)
    store = open_store(arguments)
    from sizewise.apply.recorded import recorded_config
    from sizewise.serve.models import Served
    from sizewise.tracking.artifacts import read_record
    from sizewise.tracking.resolve import find_run

    runs = [find_run(store, wanted) for wanted in dict.fromkeys(arguments.runs)]
    served = [Served(_load(arguments, store, run), read_record(store, run)) for run in runs]
    serve(served, recorded_config(store, runs[0]).data, arguments.host, arguments.port)


def compare(arguments: argparse.Namespace) -> None:
    """Print runs side by side."""
    store = open_store(arguments)
    from sizewise.apply.compare import show
    from sizewise.tracking.artifacts import read_record
    from sizewise.tracking.resolve import find_run

    show([read_record(store, find_run(store, run)) for run in arguments.runs], _console())


def reproduce(arguments: argparse.Namespace) -> None:
    """Train a run again; exit with 1 if a number differs."""
    from sizewise.apply.reproduce import check_changes, reproduce, show

    check_changes(arguments.overrides)
    store, run = _find(arguments)
    console = _console()
    with console.status(f"training {run.name} again"):
        found = reproduce(store, run, arguments.overrides, arguments.allow_code)
    show(run, found, console)
    if found.differences:
        sys.exit(1)


def where(arguments: argparse.Namespace) -> None:
    """Print where a run is."""
    store = open_store(arguments)
    from sizewise.apply.where import find, show

    show(store, find(store, arguments.run), _console())


def _find(arguments: argparse.Namespace) -> "tuple[Store, StoredRun]":
    store = open_store(arguments)
    from sizewise.tracking.resolve import find_run

    return store, find_run(store, arguments.run)


def _load(arguments: argparse.Namespace, store: "Store", run: "StoredRun") -> "Predictor":
    from sizewise.predict.fetch import load_run

    return load_run(store, run, arguments.allow_code)


def _console() -> "Console":
    """Return a console that shows names from a store as they are."""
    from rich.console import Console

    from sizewise.screen import FILE_WIDTH

    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = FILE_WIDTH
    return console
