"""Runs in MLflow. The only package that imports it, which takes seconds: import it when needed."""

import os

# MLflow reads them when it is imported. A server that is away is waited for by the tracker, not
# within each request for minutes; and a request that is sent twice could make two runs.
for name, value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}.items():
    os.environ.setdefault(name, value)
