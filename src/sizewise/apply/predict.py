"""`sizewise predict`: a run applied to files, or to a prompt."""

import sys
from argparse import Namespace
from pathlib import Path

from sizewise.apply.runs import open_store
from sizewise.errors import UserError, say
from sizewise.predict.fetch import load_run
from sizewise.predict.lines import answer_lines
from sizewise.predict.predictor import Predictor
from sizewise.predict.prompted import Prompted, Ways, Writer
from sizewise.predict.shown import Answered, show, write
from sizewise.predict.stream import predict_files
from sizewise.predict.transducer import Transducer
from sizewise.tracking.artifacts import read_record
from sizewise.tracking.queries import StoredRun
from sizewise.tracking.resolve import find_run
from sizewise.tracking.store import Store

WITH_A_PROMPT = ("beside", "bytes", "temperature", "seed")


def run(arguments: Namespace) -> None:
    """Predict files and say what came of it, or answer a prompt.

    Exit with 1 if a file could not be read.

    Raises:
        UserError: the run takes the other of the two, or can't be asked so.
    """
    store = open_store(arguments)
    stored = find_run(store, arguments.run)
    network = load_run(store, stored, arguments.allow_code)
    _check(network, arguments)
    if isinstance(network, Predictor):
        _predict(network, arguments)
    elif arguments.prompt is None and isinstance(network, Transducer):
        paths, output = arguments.inputs, arguments.output
        _close(*answer_lines(network, paths, output, overwrite=arguments.overwrite), output)
    else:
        _answer(network, store, stored, arguments)


def _check(network: Predictor | Prompted, arguments: Namespace) -> None:
    """Check that what is typed goes together, and with the network.

    Raises:
        UserError: it does not.
    """
    prompted, data = arguments.prompt is not None, network.spec.name
    if isinstance(network, Writer) and not prompted:
        raise UserError(f"the run is on {data}, and continues a text: expected --prompt TEXT")
    if isinstance(network, Predictor) and prompted:
        raise UserError(
            f"the run is on {data}, and reads no prompt: expected INPUT, files or folders"
        )
    if not prompted and not arguments.inputs:
        instead = "" if isinstance(network, Predictor) else ", or --prompt TEXT"
        raise UserError(f"there is nothing to predict: expected INPUT, files or folders{instead}")
    if prompted and arguments.inputs:
        raise UserError("--prompt is asked by itself: expected no INPUT beside it")
    if isinstance(network, Prompted) and arguments.strict:
        raise UserError(f"--strict is for inputs with a scale, and {data} has none")
    alone = [each for each in WITH_A_PROMPT if getattr(arguments, each) not in (None, [])]
    if alone and not prompted:
        raise UserError(f"--{alone[0]} goes with --prompt TEXT")


def _answer(network: Prompted, store: Store, stored: StoredRun, arguments: Namespace) -> None:
    """Print what runs say to a prompt, or write it."""
    ways = Ways(arguments.bytes, arguments.temperature, arguments.seed)
    asked = [(stored, network)]
    for wanted in arguments.beside:
        other = find_run(store, wanted)
        beside = load_run(store, other, arguments.allow_code)
        if not isinstance(beside, type(network)):
            raise UserError(
                f"the runs are on {network.spec.name} and {beside.spec.name}, which are not asked "
                "alike: expected --beside a run of the same task"
            )
        asked.append((other, beside))
    answers = []
    for each, prompted in asked:
        record = read_record(store, each)
        size = f"{record.parameters:,} parameters"
        about = f"{each.name}: {size}, test {record.measure.name} {each.error}"
        answers.append(Answered(each.name, about, prompted.answer(arguments.prompt, ways)))
    for note in dict.fromkeys(note for each in answers for note in each.said.notes):
        say(note)
    if arguments.output:
        write(arguments.output, network, answers, arguments.overwrite)
        say(f"{len(answers)} answered (in {arguments.output})")
    else:
        show(arguments.prompt, network, answers)


def _predict(predictor: Predictor, arguments: Namespace) -> None:
    """Predict files, and say what came of it; exit with 1 if any of them could not be read."""
    counts = predict_files(
        predictor,
        arguments.inputs,
        arguments.output,
        overwrite=arguments.overwrite,
        strict=arguments.strict,
    )
    form = f"{predictor.spec.name}'s"
    for kinds, count in counts.adapted.most_common(5):
        say(f"{count:,} brought to {form} form: {', '.join(kinds)}")
    if counts.skipped:
        say(f"{counts.skipped:,} other files in folders passed over")
    if counts.unlike:
        todo = f"bring them to {form} scale; --strict refuses such"
        say(f"{counts.unlike:,} unlike the training data: {todo}")
    _close(counts.predicted, counts.failed, arguments.output)


def _close(predicted: int, failed: int, output: Path | None) -> None:
    """Say how many were predicted; exit with 1 if any could not be."""
    where = f" (in {output})" if output else ""
    say(f"{predicted:,} predicted{where}, {failed:,} failed")
    if failed:
        sys.exit(1)
