"""Whether a store is there: asked as MLflow itself asks, but within a time limit."""

import threading

import mlflow
from mlflow.exceptions import MlflowException
from sqlalchemy import NullPool, create_engine

from sizewise.errors import UserError, first_line
from sizewise.uri import hide_password, is_database, is_hidden, sqlite_file

SECONDS = 10.0
OTHERWISE = "log to a file with tracking.uri=sqlite:///mlruns/mlflow.db"


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
    is_server = uri.startswith(("http://", "https://"))
    if not is_server and (not is_database(uri) or sqlite_file(uri) is not None):
        return
    failures: list[Exception] = []

    def ask() -> None:
        try:
            if is_server:
                mlflow.MlflowClient(uri).search_experiments(max_results=1)
            else:
                create_engine(uri, poolclass=NullPool).connect().close()
        except Exception as error:  # drivers have errors of their own
            failures.append(error)

    thread = threading.Thread(target=ask, daemon=True, name="asks the store")
    thread.start()
    thread.join(SECONDS)
    if thread.is_alive():
        failures.append(TimeoutError(f"no answer within {SECONDS:.0f} s"))
    for error in failures:
        raise UserError(_why(uri, error, is_server)) from error


def _why(uri: str, error: Exception, is_server: bool) -> str:
    """Return what is wrong with a store, and what to do about it."""
    reason = hide_password(first_line(_cause(error)), uri)
    if isinstance(error, ImportError):
        return (
            f"the MLflow store {uri} needs a driver ({reason}); for PostgreSQL it is the extra "
            "server: pip install --constraint constraints.txt --editable '.[server]'"
        )
    if not is_server:
        return (
            f"the MLflow store {uri} can't be opened ({reason}); start it, mend the URI, or "
            f"{OTHERWISE}"
        )
    status = error.get_http_status_code() if isinstance(error, MlflowException) else None
    if status in (401, 403) or "unauthorized" in reason.lower():
        return (
            f"the MLflow server at {uri} wants other credentials ({reason}): MLflow reads them "
            "from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or from "
            "MLFLOW_TRACKING_TOKEN"
        )
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
