"""Every kind of store says soon, and in one line, what keeps it from answering."""

import datetime
import ipaddress
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sizewise.config import TrackingConfig
from sizewise.errors import UserError
from sizewise.tracking import probe
from sizewise.tracking.probe import check_store
from sizewise.tracking.store import open_store
from tests.postgres import OWNER, PostgreSQL

BASIC = f"Basic {b64encode(b'ada:hunter2pw').decode()}"
BEARER = "Bearer hunter2pw"


@contextmanager
def serving(wanted: str | None, certificate: Path | None = None) -> Iterator[str]:
    """Answer as an MLflow server does that wants this Authorization; yield its URI."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            let_in = wanted is None or self.headers.get("Authorization") == wanted
            self.send_response(200 if let_in else 401)
            self.end_headers()
            self.wfile.write(b"{}" if let_in else b"You are not authenticated.")

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        scheme = "http" if certificate is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key, and a certificate for this machine that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "server.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("USERNAME", "PASSWORD", "TOKEN", "INSECURE_TLS", "SERVER_CERT_PATH"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))  # ~/.mlflow/credentials


def refusal(uri: str) -> str:
    """Return the line that says why a store can't be used."""
    with pytest.raises(UserError) as caught:
        check_store(uri)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_server_behind_a_password_is_used_with_it_and_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(BASIC) as uri:
        assert "wants other credentials" in refusal(uri)
        assert "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in refusal(uri)
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
        assert "wants other credentials" in refusal(uri)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2pw")
        check_store(uri)
        monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
        monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
        check_store(uri.replace("://", "://ada:hunter2pw@"))


def test_a_server_behind_a_token_is_used_with_it_and_wants_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(BEARER) as uri:
        assert "MLFLOW_TRACKING_TOKEN" in refusal(uri)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hunter2pw")
        check_store(uri)


def test_a_server_with_a_private_authority_is_used_where_that_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(None, certificate) as uri:
        line = refusal(uri)
        assert line.startswith(f"the certificate of {uri} is not trusted (")
        assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in line
        with monkeypatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate))
            check_store(uri)
        monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
        with pytest.warns(match="Unverified HTTPS request"):
            check_store(uri)


def test_a_server_that_is_not_mlflows_is_told() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>welcome</html>\n<p>")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    assert "no MLflow server answers at http" in refusal(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    "uri",
    ["http://127.0.0.1:{}", "https://127.0.0.1:{}", "postgresql://u:hunter2pw@127.0.0.1:{}/db"],
)
def test_a_store_that_never_answers_is_not_waited_for(
    uri: str, mute: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe.SECONDS <= 12  # MLflow's import takes some of the 15
    monkeypatch.setattr(probe, "SECONDS", 0.5)
    line = refusal(uri.format(mute))
    assert "no answer within" in line
    assert "hunter2pw" not in line


def test_a_host_that_is_not_there_is_told() -> None:
    assert "nowhere.invalid" in refusal("http://nowhere.invalid:5000")
    assert "can't be opened" in refusal("postgresql://u:hunter2pw@nowhere.invalid/db")
    assert "ws3cr@" not in refusal("postgresql://u:p@ws3cr@nowhere.invalid/db")


def test_a_driver_that_is_not_installed_is_told() -> None:
    line = refusal("mysql+nosuchdriver://u:hunter2pw@h/db")
    assert line.startswith("the MLflow store mysql+nosuchdriver://u:***@h/db can't be opened (")


def test_a_password_that_is_hidden_is_asked_for() -> None:
    assert refusal("postgresql://u:***@h/db").startswith("the password in postgresql://u:***@h/db")


def test_postgresql_says_what_is_wrong() -> None:
    if not PostgreSQL.is_installed():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with PostgreSQL(password="hunter2pw") as uri:
        right = uri.replace(f"{OWNER}@", f"{OWNER}:hunter2pw@")
        check_store(right)
        wrong = refusal(uri.replace(f"{OWNER}@", f"{OWNER}:wr0ngpw@"))
        assert "password authentication failed" in wrong
        assert "wr0ngpw" not in wrong
        missing = refusal(right.removesuffix("postgres") + "nosuch")
        assert 'database "nosuch" does not exist' in missing
        assert "hunter2pw" not in missing
    stopped = refusal(right)
    assert "Connection refused" in stopped or "connection refused" in stopped
    assert "hunter2pw" not in stopped


SERVERS = ["http://h:5000", "https://u:pw@h", "databricks"]


@pytest.mark.parametrize("uri", SERVERS)
@pytest.mark.parametrize("given", ["mlruns/artifacts", "/tmp/x", "file:///tmp/x", "~/x"])
def test_a_server_gets_no_path_of_a_client(
    uri: str, given: str, artifacts_of: Callable[..., str | None]
) -> None:
    assert artifacts_of(uri, given) is None


@pytest.mark.parametrize("uri", [*SERVERS, "postgresql://h/db", "sqlite:///x.db"])
def test_a_place_that_all_can_reach_is_handed_on(
    uri: str, artifacts_of: Callable[..., str | None]
) -> None:
    assert artifacts_of(uri, "s3://bucket/path") == "s3://bucket/path"
    assert artifacts_of(uri, None) is None


@pytest.mark.parametrize("uri", ["postgresql://h/db", "sqlite:///x.db", "mlruns", "file:///tmp/m"])
def test_a_store_that_is_opened_here_keeps_artifacts_here(
    uri: str, artifacts_of: Callable[..., str | None]
) -> None:
    assert artifacts_of(uri, "mlruns/artifacts") == Path("mlruns/artifacts").resolve().as_uri()
    assert artifacts_of(uri, "~/x") == (Path.home() / "x").as_uri()


@pytest.fixture
def artifacts_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str | None]:
    """Return a function from a store and `tracking.artifacts` to where a new experiment's go."""
    made: list[str | None] = []

    class Client:
        def get_experiment_by_name(self, _: str) -> None:
            return None

        def create_experiment(self, _: str, artifact_location: str | None, **__: object) -> str:
            made.append(artifact_location)
            return "1"

    monkeypatch.setattr("sizewise.tracking.store.check_store", lambda _: None)
    monkeypatch.setattr("sizewise.tracking.store.only_one_opens", lambda _: nullcontext())
    monkeypatch.setattr("mlflow.MlflowClient", lambda _: Client())

    def create(uri: str, given: str | None) -> str | None:
        open_store(TrackingConfig(uri=uri, experiment="new", artifacts=given))
        return made[-1]

    return create
