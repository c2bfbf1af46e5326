"""`sizewise predict`: a run applied to files."""

import sys
from argparse import Namespace

from sizewise.apply.runs import find_finished
from sizewise.errors import say
from sizewise.predict.fetch import load_run
from sizewise.predict.stream import predict_files


def run(arguments: Namespace) -> None:
    """Predict files, and say what came of it; exit with 1 if any of them could not be read."""
    predictor = load_run(*find_finished(arguments), arguments.allow_code)
    outcome = predict_files(
        predictor,
        arguments.inputs,
        arguments.output,
        overwrite=arguments.overwrite,
        strict=arguments.strict,
    )
    form = f"{predictor.spec.name}'s"
    for kinds, count in outcome.adapted.most_common(5):
        say(f"{count:,} brought to {form} form: {', '.join(kinds)}")
    if outcome.skipped:
        say(f"{outcome.skipped:,} other files in folders passed over")
    if outcome.unlike:
        todo = f"bring them to {form} scale; --strict refuses such"
        say(f"{outcome.unlike:,} unlike the training data: {todo}")
    where = f" (in {arguments.output})" if arguments.output else ""
    say(f"{outcome.predicted:,} predicted{where}, {outcome.failed:,} failed")
    if outcome.failed:
        sys.exit(1)
