"""`sizewise serve`: runs over HTTP, with a page that shows them side by side."""

from argparse import Namespace

from sizewise.apply.runs import open_store, recorded_config
from sizewise.predict.fetch import load_run
from sizewise.serve.server import check_port, serve
from sizewise.tracking.artifacts import read_record
from sizewise.tracking.resolve import find_run


def run(arguments: Namespace) -> None:
    """Serve runs until stopped."""
    check_port(arguments.host, arguments.port)
    store, code = open_store(arguments), arguments.allow_code
    runs = [find_run(store, wanted) for wanted in dict.fromkeys(arguments.runs)]
    networks = [(load_run(store, run, code), read_record(store, run)) for run in runs]
    serve(networks, recorded_config(store, runs[0]).data, arguments.host, arguments.port)
