"""An MLflow server that goes away while a run logs to it."""

import re
import shutil
from pathlib import Path

import mlflow
import pytest

from sizewise.config import TrackingConfig
from sizewise.tracking.artifacts import finished_records
from sizewise.tracking.store import open_store
from tests.processes import Server, command, start, wait_until
from tests.test_interruption import NETWORK, SLOW

EPOCHS = 60
RUN = (*NETWORK, "data.num_samples=600", f"training.epochs={EPOCHS}")


@pytest.mark.slow
def test_what_a_server_misses_reaches_it_later_once_and_in_order(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    server = Server(tmp_path)
    server.start()
    address = {"MLFLOW_TRACKING_URI": server.uri}
    try:
        process = start(tmp_path, *RUN, log=tmp_path / "log", PYTHONPATH=str(tmp_path), **address)
        journal = "outputs/*/*/metrics.jsonl"

        def epochs() -> int:
            return sum(path.read_text().count("\n") for path in tmp_path.glob(journal))

        wait_until(lambda: epochs() > 2)
        server.kill()
        before = epochs()
        wait_until(lambda: epochs() > before + 5)  # training goes on
        (tmp_path / "hold").touch()
        wait_until(lambda: "does not answer" in (tmp_path / "log").read_text())
        server.start()
        wait_until(lambda: "is back, and has all metrics" in (tmp_path / "log").read_text())
        server.kill()
        (tmp_path / "hold").unlink()
        assert process.wait(120) == 0
        (folder,) = (path.parent for path in tmp_path.glob(journal))
        assert f"send it later with: sizewise sync {folder}" in (tmp_path / "log").read_text()
        unsent = command(tmp_path, "sync")
        assert unsent.returncode == 1
        assert re.search(r": not sent: no MLflow server answers at http", unsent.stdout)

        server.start()
        sent = command(tmp_path, "sync")
        assert (sent.returncode, sent.stdout) == (0, f"{folder.relative_to(tmp_path)}: sent\n")
        assert command(tmp_path, "sync").stdout.startswith("nothing unsent in")
        client = mlflow.MlflowClient(server.uri)
        run = client.get_run((folder / "mlflow_run_id").read_text().strip())
        assert run.info.status == "FINISHED"
        for name in ("train/loss", "val/error"):
            history = client.get_metric_history(run.info.run_id, name)
            assert [point.step for point in history] == list(range(1, EPOCHS + 1))
        assert "model.pt" in {item.path for item in client.list_artifacts(run.info.run_id)}
        # tracking=local, but the URI is a server's: it gets no path of this client
        assert run.info.artifact_uri.startswith("mlflow-artifacts:")
        assert run.outputs is not None
        assert len(run.outputs.model_outputs) == 1

        config = TrackingConfig(uri=server.uri, experiment="sizewise", artifacts=None)
        key = run.data.tags["run_key"]
        found = finished_records(open_store(config), [key])
        assert found.by_key[key][1].run_id == run.info.run_id
        (artifacts,) = tmp_path.glob(f"server-artifacts/**/{run.info.run_id}")
        shutil.rmtree(artifacts)
        found = finished_records(open_store(config), [key])
        assert (found.by_key, len(found.left_out)) == ({}, 1)
    finally:
        server.kill()
