"""`sizewise doctor`: runs that are RUNNING in the store while their process is gone."""

from argparse import Namespace

from sizewise.apply.runs import open_store
from sizewise.tracking.lifecycle import put_right


def run(arguments: Namespace) -> None:
    """Mark them as KILLED, and print a line for each."""
    lines = put_right(open_store(arguments))
    print("\n".join(lines) or "every run that is RUNNING has its process at work")
