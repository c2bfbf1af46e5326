"""Whether a store is there: asked as MLflow itself asks, but within a time limit."""

import threading
from collections.abc import Callable

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.store.db.utils import create_sqlalchemy_engine

from sizewise.errors import UserError, first_line
from sizewise.uri import hide_password, is_database, is_hidden, sqlite_file

SECONDS = 10.0
OTHERWISE = "log to a file with tracking.uri=sqlite:///mlruns/mlflow.db"
CREDENTIALS = (
    "MLflow reads them from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or from "
    "MLFLOW_TRACKING_TOKEN"
)


def check_store(uri: str) -> None:
    """Ask the store whether it is there, unless it is a file: MLflow itself would take minutes.

    Raises:
        UserError: it is not, or does not answer within `SECONDS`.
    """
    if is_hidden(uri):
        raise UserError(
            f"the password in {uri} is only what is shown for it; type the password itself, or set "
            "MLFLOW_TRACKING_URI to the whole URI"
        )
    if uri.startswith(("http://", "https://")):
        error = _within_the_limit(lambda: _ask_server(uri))
        explain = _why_no_server
    elif is_database(uri) and sqlite_file(uri) is None:
        error = _within_the_limit(lambda: _ask_database(uri))
        explain = _why_no_database
    else:
        return
    if error is not None:
        raise UserError(explain(uri, error)) from error


def _within_the_limit(ask: Callable[[], None]) -> Exception | None:
    """Return what `ask` raises, or a TimeoutError."""
    failures: list[Exception] = []

    def call() -> None:
        try:
            ask()
        except Exception as error:  # drivers have errors of their own
            failures.append(error)

    thread = threading.Thread(target=call, daemon=True, name="asks the store")
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        return TimeoutError(f"no answer within {SECONDS:.0f} s")
    return failures[0] if failures else None


def _ask_server(uri: str) -> None:
    mlflow.MlflowClient(uri).search_experiments(max_results=1)


def _ask_database(uri: str) -> None:
    engine = create_sqlalchemy_engine(uri)  # with the certificates that MLflow is told of
    engine.connect().close()
    engine.dispose()


def _why_no_database(uri: str, error: Exception) -> str:
    if isinstance(error, ImportError):
        return (
            f"the MLflow store {uri} needs a driver ({error}); for PostgreSQL it is the extra "
            "server: pip install --constraint constraints.txt --editable '.[server]'"
        )
    reason = hide_password(first_line(error), uri)
    return (
        f"the MLflow store {uri} can't be opened ({reason}); start it, mend the URI, or {OTHERWISE}"
    )


def _why_no_server(uri: str, error: Exception) -> str:
    reason = hide_password(first_line(_cause(error)), uri)
    status = error.get_http_status_code() if isinstance(error, MlflowException) else None
    if status == 401 or "unauthorized" in reason.lower():
        return f"the MLflow server at {uri} wants other credentials ({reason}): {CREDENTIALS}"
    if status == 403:
        return f"the MLflow server at {uri} refuses what is asked of it ({reason}): {CREDENTIALS}"
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return (
            f"the certificate of {uri} is not trusted ({reason}); name its authority's file with "
            "MLFLOW_TRACKING_SERVER_CERT_PATH, or trust any with MLFLOW_TRACKING_INSECURE_TLS=true"
        )
    return f"no MLflow server answers at {uri} ({reason}); start it, or {OTHERWISE}"


def _cause(error: BaseException) -> BaseException:
    """Return the system's error that requests, urllib3 and MLflow have wrapped, if there is one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause
        cause = cause.__cause__ or cause.__context__
    return error
