"""The program in processes of its own, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import mlflow

ROOT = Path(__file__).parents[1]


def train(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return python(folder, str(ROOT / "train.py"), *arguments, **environment)


def python(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SIZEWISE_", "MLFLOW_", "HYDRA_"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=kept | {"SIZEWISE_DATA": str(folder / "data")} | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def client(folder: Path) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(f"sqlite:///{folder}/mlruns/mlflow.db")
