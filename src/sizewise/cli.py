"""The `sizewise` command: what each of its commands is called and takes.

What `sizewise NAME` does is in `apply/NAME.py`, which is imported when it is called, since most of
what they need takes time to import.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from sizewise import garbage
from sizewise.entry import one_line_errors, replace_unencodable
from sizewise.uri import DEFAULT_STORE, hide_password, store_uri

MEANT = "an id, its start, a name, best:STUDY, enough:STUDY or advised:NAME"

Argument = tuple[tuple[str, ...], dict[str, Any]]


def at_least_one(text: str) -> int:
    """Return a whole number of things."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is too few: expected a whole number from 1 on")
    return int(text)


def argument(*names: str, **options: Any) -> Argument:
    """Return what argparse's `add_argument` is called with."""
    return names, options


RUN = argument("run", metavar="RUN", help=MEANT)
RUNS = argument("runs", nargs="+", metavar="RUN", help=MEANT)
CODE = argument(
    "--allow-code",
    action="append",
    default=[],
    metavar="package.Class",
    help="import this class, which is not sizewise's own, if the run names it",
)
WITHOUT_STORE = (
    "train",
    "advise",
    "check",
    "plan",
    "sync",
)  # the others take --uri and --experiment

COMMANDS: dict[str, tuple[str, *tuple[Argument, ...]]] = {
    "ui": (
        "browse the runs in MLflow's UI",
        argument("--port", type=int, default=5000, help="default: %(default)s"),
    ),
    "runs": (
        "list the runs, newest first",
        argument("--sort", metavar="METRIC", help="highest first, an error or a loss lowest first"),
        argument("--study", metavar="NAME", help="only the runs of this sweep"),
        argument("--last", type=at_least_one, default=50, metavar="N", help="default: %(default)s"),
    ),
    "train": (
        "train one network, or sweep: sizewise train --help",
        argument("overrides", nargs="*", help="as for train.py"),
    ),
    "advise": (
        "how big for these data, within this time",
        argument("overrides", nargs="*", help="budget=20min, model=lstm,cnn; others as train.py's"),
        argument("--explain", action="store_true", help="print why it was decided as it was"),
    ),
    "check": (
        "what is in data of your own, and how they are read",
        argument(
            "path", metavar="PATH", help="a folder of images or sounds, a table, an .npz, or texts"
        ),
        argument("overrides", nargs="*", help="as for train.py: data.target=COLUMN"),
    ),
    "plan": (
        "what a command of train.py would run, and its cost",
        argument("overrides", nargs="*", help="as for train.py: experiment=large_vs_small"),
        argument("--multirun", "-m", action="store_true", help="of a sweep, as for train.py"),
        argument("--config-dir", "-cd", type=Path, metavar="DIR", help="as for train.py"),
        argument("--config-name", "-cn", default="config", metavar="NAME", help="likewise"),
    ),
    "report": (
        "write a sweep's report again",
        argument("sweep", help="a sweep's name, or a file of records: runs.jsonl"),
        argument("--to", type=Path, metavar="FOLDER", help="default: reports/NAME"),
        argument("--tolerance", help="how much worse than the best is as good: 0.5 (points), 10%%"),
        argument("--target", help="an error to reach, in its place: 3%%"),
        argument("--latency", help="the most that a model may take: 2ms"),
        argument("--bytes", help="and its file: 50kB"),
        argument("--train-seconds", type=float, metavar="SECONDS", help="and its training"),
    ),
    "doctor": ("find runs whose process is gone, and put them right",),
    "sync": (
        "send what a store has missed while it was away",
        argument("--uri", help="of the store, if it has moved"),
        argument("folders", nargs="*", type=Path, help="default: outputs multirun"),
    ),
    "evaluate": (
        "a run's scores on a test split, and calibration",
        *(CODE, RUN),
        argument("overrides", nargs="*", help="as for train.py: data=mnist data.root=…"),
    ),
    "predict": (
        "apply a run to images, CSV, NumPy and text files, or a prompt",
        *(CODE, RUN),
        argument("inputs", nargs="*", type=Path, metavar="INPUT"),
        argument("--prompt", metavar="TEXT", help="to continue, or to answer"),
        argument("--beside", action="append", default=[], metavar="RUN", help="to compare with"),
        argument("--bytes", type=int, metavar="N", help="to add to the prompt, default: 200"),
        argument("--temperature", type=float, help="0: the likeliest each time; default: 0.8"),
        argument("--seed", type=int, help="of what is drawn, default: 0"),
        argument("--output", type=Path, metavar="FILE.csv"),
        argument("--overwrite", action="store_true", help="of a file that is there"),
        argument("--strict", action="store_true", help="fail what is unlike the training data"),
    ),
    "explain": (
        "what a run's network looks at in images, sequences and tables",
        *(CODE, RUN),
        argument("inputs", nargs="*", type=Path, metavar="INPUT", help="default: test samples"),
        argument(
            "--method",
            choices=("attention", "grad_cam", "saliency", "integrated_gradients"),
            help="default: what suits the family",
        ),
        argument(
            "--samples", type=at_least_one, default=3, metavar="N", help="default: %(default)s"
        ),
        argument("--seed", type=int, default=0, help="of which they are, default: %(default)s"),
        argument("--out", type=Path, metavar="FOLDER", help="write pictures and maps.npz there"),
    ),
    "export": (
        "a run's network as a folder by itself",
        *(CODE, RUN),
        argument("--format", choices=("mlflow", "torch", "onnx"), required=True),
        argument("--to", type=Path, required=True, metavar="FOLDER"),
    ),
    "serve": (
        "over HTTP, with a page that shows runs side by side",
        *(CODE, RUNS),
        argument("--port", type=int, default=8000, help="default: %(default)s"),
        argument("--host", default="127.0.0.1", help="default: %(default)s, this machine only"),
    ),
    "compare": ("configs, scores and costs of runs side by side", RUNS),
    "reproduce": (
        "train a run again and compare every number",
        *(CODE, RUN),
        argument("overrides", nargs="*", help="data.root= or data.path=, if it has moved"),
    ),
    "where": (
        "a run's folder, artifacts and command",
        argument("run", metavar="RUN|FOLDER", help=f"{MEANT}; or its folder"),
    ),
}


class _Parser(ArgumentParser):
    """Tells a mistake in one line, as all of sizewise does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"sizewise: {message}; see: {self.prog} --help\n")


def main() -> None:
    """Run the `sizewise` command."""
    garbage.wait()
    if sys.argv[1:2] == ["train"]:
        del sys.argv[1]  # Hydra reads the others
        import_module("sizewise.train").main()
        return
    about = "How big does a model need to be?"
    parser = _Parser(prog="sizewise", description=about)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    uri = store_uri(DEFAULT_STORE)
    shown = hide_password(uri).replace("%", "%%")  # argparse reads a % as its own
    for name, (text, *arguments) in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name not in WITHOUT_STORE:
            command.add_argument("--uri", default=uri, help=f"of MLflow's store (default: {shown})")
            command.add_argument("--experiment", default="sizewise", help="default: %(default)s")
        for names, options in arguments:
            command.add_argument(*names, **options)
    given, rest = parser.parse_known_args()
    many = next((each for each in ("overrides", "inputs") if hasattr(given, each)), None)
    flags = [each for each in rest if each.startswith("-") or not many]
    if flags:
        commands.choices[given.command].error(f"there is no {' '.join(flags)} here")
    if rest and many:  # after a flag: argparse takes only those before
        more = map(Path, rest) if many == "inputs" else rest
        setattr(given, many, [*getattr(given, many), *more])
    replace_unencodable()
    with one_line_errors():
        called = import_module(f"sizewise.apply.{given.command}")
        garbage.go_on()
        called.run(given)
