"""What a store's URI says, and that no password is seen of it."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from sizewise.errors import UserError, first_line, say
from sizewise.uri import (
    hide_password,
    hide_passwords_in,
    is_hidden,
    is_opened_here,
    sqlite_file,
    store_uri,
)

SECRET = "hunter2pw"

FILES = {
    "sqlite:///mlruns/mlflow.db": "mlruns/mlflow.db",
    "sqlite:////abs/x.db": "/abs/x.db",
    "sqlite:///x.db?timeout=60": "x.db",
    "sqlite+pysqlite:////abs/x.db?timeout=60": "/abs/x.db",
    "sqlite:///my%20runs/a%3Fb.db": "my runs/a?b.db",
    "sqlite:///file:x.db?mode=ro&uri=true": "file:x.db",
}


@pytest.mark.parametrize("uri", FILES)
def test_the_file_of_a_store_is_the_one_that_sqlalchemy_opens(uri: str) -> None:
    assert make_url(uri).database == FILES[uri]
    assert sqlite_file(uri) == Path(FILES[uri].removeprefix("file:"))


@pytest.mark.parametrize(
    "uri", ["sqlite://", "sqlite:///:memory:", "http://h:1", "postgresql://h/sqlite", "", "mlruns"]
)
def test_other_stores_have_no_file(uri: str) -> None:
    assert sqlite_file(uri) is None


@pytest.mark.parametrize(
    ("uri", "here"),
    [
        ("mlruns", True),
        ("file:///tmp/mlruns", True),
        ("sqlite:///x.db", True),
        ("postgresql+psycopg://h/db", True),
        ("http://h:5000", False),
        ("https://h", False),
        ("databricks", False),
        ("databricks://profile", False),
    ],
)
def test_a_server_is_told_from_what_is_opened_here(uri: str, here: bool) -> None:
    assert is_opened_here(uri) is here


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_tracking_uri_is_none(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    if value is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", value)
    assert store_uri("sqlite:///x.db") == "sqlite:///x.db"


SECRETS = {
    f"postgresql://u:{SECRET}@h/db": "postgresql://u:***@h/db",
    f"mysql+pymysql://u:{SECRET}@h:3306/db": "mysql+pymysql://u:***@h:3306/db",
    f"https://u:{SECRET}@h/mlflow": "https://u:***@h/mlflow",
    f"https://{SECRET}@h": "https://***@h",
    f"https://:{SECRET}@h": "https://:***@h",
    f"sftp://u:{SECRET}@h/path": "sftp://u:***@h/path",
    f"postgresql://u:a@b:{SECRET}@h/db": "postgresql://u:***@h/db",
    f"postgresql://u:%40%3A{SECRET}@h/db": "postgresql://u:***@h/db",
    f"postgresql://u:5/{SECRET}@h/db": "postgresql://u:***@h/db",
    f"https://u:a/{SECRET}@h": "https://u:***@h",
    f"postgresql://u:\"'{SECRET}@h/db": "postgresql://u:***@h/db",
    f"postgresql://h/db?user=u&password={SECRET}": "postgresql://h/db?user=u&password=***",
    f"postgresql://h/db?sslpassword={SECRET}&x=1": "postgresql://h/db?sslpassword=***&x=1",
    f"mysql://h/db?passwd={SECRET}#x": "mysql://h/db?passwd=***#x",
    f"wasbs://c@h/p?sig={SECRET}": "wasbs://c@h/p?sig=***",
    f"s3://k:{SECRET}@bucket/p?aws_secret_access_key={SECRET}": (
        "s3://k:***@bucket/p?aws_secret_access_key=***"
    ),
    f"mssql+pyodbc:///?odbc_connect=PWD%3D{SECRET}": "mssql+pyodbc:///?odbc_connect=***",
    f"a,postgresql://u:{SECRET}@h/x,postgresql://u:{SECRET}@h/y": (
        "a,postgresql://u:***@h/x,postgresql://u:***@h/y"
    ),
    f"tracking.uri=postgresql\\://u\\:{SECRET}@h\\:1/db?password\\={SECRET}": (
        "tracking.uri=postgresql\\://u\\:***@h\\:1/db?password\\=***"
    ),
    f"tracking.uri=https\\://{SECRET}@h": "tracking.uri=https\\://***@h",
    f"href='postgresql://h/db?user=u&amp;password={SECRET}'": (
        "href='postgresql://h/db?user=u&amp;password=***'"
    ),
    f"'tracking.uri=\"postgresql://u:{SECRET}@h/db\"' seed=1": (
        "'tracking.uri=\"postgresql://u:***@h/db\"' seed=1"
    ),
}


@pytest.mark.parametrize("text", SECRETS)
def test_no_password_is_seen(text: str) -> None:
    assert hide_password(text) == SECRETS[text]
    assert hide_password(SECRETS[text]) == SECRETS[text]
    assert is_hidden(hide_password(text))


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///mlruns/mlflow.db",
        "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning",
        "http://h:5000/a@b",
        "http://h:5000, mail me@example.org",
        "postgresql://postgres@127.0.0.1:5432/postgres",
        "s3://bucket/path",
        "password=of nothing",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert hide_password(text) == text
    assert not is_hidden(text)


def test_a_password_that_a_library_has_taken_out_of_its_uri_is_not_seen() -> None:
    uri = "postgresql://u:a%40b@cd@h/db"
    assert hide_password("no such host: cd@h; a@b@cd; a%40b@cd", uri) == (
        "no such host: ***h; ***; ***"
    )
    spaced = "postgresql://u:my pass@h/db"
    assert hide_password(spaced, spaced) == "postgresql://u:***@h/db"
    plain = "postgresql://mlflow:mlflow@localhost/mlflow"
    assert hide_password('database "mlflow" does not exist', plain) == (
        'database "mlflow" does not exist'
    )


def test_errors_and_words_show_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"postgresql://u:{SECRET}@h/db"
    say(f"{uri} is away")
    assert capsys.readouterr().err == "sizewise: postgresql://u:***@h/db is away\n"
    assert SECRET not in str(UserError(f"{uri} can't be opened"))
    assert SECRET not in first_line(OSError(f"no route to {uri}"))


def test_what_hydra_wrote_shows_no_password(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    files = [tmp_path / ".hydra/overrides.yaml", tmp_path / "multirun.yaml"]
    for path in files:
        path.write_text(f"- tracking.uri=postgresql://u:{SECRET}@h/db\n- seed=1\n")
    untouched = tmp_path / ".hydra/config.yaml"
    untouched.write_text("seed: 1\n")
    before = untouched.stat()
    hide_passwords_in(tmp_path)
    for path in files:
        assert path.read_text() == "- tracking.uri=postgresql://u:***@h/db\n- seed=1\n"
    assert untouched.stat() == before
    hide_passwords_in(tmp_path / "nowhere")
