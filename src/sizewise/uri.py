"""What the URI of an MLflow store says, and how it is shown without the password in it."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from sizewise.files import replacing

DEFAULT_STORE = "sqlite:///mlruns/mlflow.db"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")  # that MLflow opens without a server
HIDDEN = "***"
SHORTEST = 4  # characters of a secret that is looked for by itself

# scheme://user:password@: a password may hold anything but blanks, an @ or a : too. Where a number
# and the end of the authority follow the colon, it is a port. Hydra writes backslashes before : and
# = in the overrides of a sweep's runs.
PASSWORD = re.compile(
    r"(?P<start>[a-z][a-z0-9+.-]*\\*://[^\s:/?#@\[]*:)(?!\d+(?:[/?#\"',;)\]}\s]|$))(?:(?!://)\S)*@",
    re.IGNORECASE,
)
DATABASE_PASSWORD = re.compile(  # SQLAlchemy lets it begin like a port
    rf"(?P<start>(?:{'|'.join(DATABASES)})(?:\+\w+)?\\*://[^\s:/?#@\[]*:)(?:(?!://)\S)*@",
    re.IGNORECASE,
)
USER_ALONE = re.compile(r"(?P<start>https?\\*://)[^\s:/?#@]+@", re.IGNORECASE)  # it is a token then
SECRET_NAME = (
    r"[\w.%-]*(?:password|passwd|passphrase|pwd|secret|token|signature|credential|"
    r"api_?key|access_?key|account_?key|odbc_connect)"
)
IN_QUERY = re.compile(rf"(?P<start>[?&;](?:{SECRET_NAME}|sig)\\*=)[^\s&;#\"']+", re.IGNORECASE)


def store_uri(default: str) -> str:
    """Return MLFLOW_TRACKING_URI; where it is not set, or is empty, `default`."""
    return os.environ.get("MLFLOW_TRACKING_URI", "").strip() or default


def sqlite_file(uri: str) -> Path | None:
    """Return the file of an SQLite store, as SQLAlchemy finds it; None if `uri` means none.

    `sqlite:///relative/to/here.db` and `sqlite:////absolute.db`, with a driver (`sqlite+pysqlite:`)
    and a query (`?timeout=60`) or without, percent-encoded or not.
    """
    match = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]*)(?:\?(.*))?", uri, re.DOTALL)
    if match is None:
        return None
    name, query = unquote(match[1]), dict(parse_qsl(match[2] or ""))
    if query.get("uri") == "true" and name.startswith("file:"):
        name = unquote(urlsplit(name).path)
        return None if query.get("mode") == "memory" else Path(name)
    return None if name in ("", ":memory:") else Path(name)


def sqlite_at_home(uri: str) -> str:
    """Return `uri` with the ~ that an SQLite file's path begins with as the home folder."""
    return re.sub(r"^(sqlite(?:\+\w+)?:///)~(?=/)", lambda match: match[1] + str(Path.home()), uri)


def is_database(uri: str) -> bool:
    """Whether MLflow opens the store as a database, without a server between."""
    return uri.partition(":")[0].partition("+")[0].lower() in DATABASES


def is_opened_here(uri: str) -> bool:
    """Whether the store is a database or a folder: this process opens it, and writes artifacts."""
    scheme = urlsplit(uri).scheme
    return is_database(uri) or (scheme in ("", "file") and not uri.startswith("databricks"))


def hide_password(text: str, *uris: str) -> str:
    """Return `text` with `***` for each password and token in a URI in it.

    Args:
        text: any; a URI, a command, a library's error, YAML.
        uris: whose passwords are hidden wherever else they stand in `text`, as in the error of a
            library that has taken the URI apart.
    """
    for secret in sorted({each for uri in uris for each in _secrets(uri)}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    if "://" not in text:
        return text
    text = DATABASE_PASSWORD.sub(rf"\g<start>{HIDDEN}@", text)
    text = PASSWORD.sub(rf"\g<start>{HIDDEN}@", text)
    text = USER_ALONE.sub(rf"\g<start>{HIDDEN}@", text)
    return IN_QUERY.sub(rf"\g<start>{HIDDEN}", text)


def hide_passwords_in(folder: Path) -> None:
    """Hide the passwords in what Hydra has written into the folder of a run or of a sweep."""
    for path in (folder / "multirun.yaml", *folder.glob(".hydra/*.yaml")):
        try:
            text = path.read_text()
        except FileNotFoundError:
            continue
        hidden = hide_password(text)
        if hidden != text:
            with replacing(path) as file:
                file.write(hidden.encode())


def is_hidden(uri: str) -> bool:
    """Whether the password in `uri` is not the one that is meant, but what is shown for it."""
    return f":{HIDDEN}@" in uri or f"={HIDDEN}" in uri or f"//{HIDDEN}@" in uri


def _secrets(uri: str) -> set[str]:
    """Return what is not to be seen of `uri`, as it is written there and decoded.

    What is too short to be told from other words, or is no secret since it is shown elsewhere in
    the URI as it is in `postgresql://mlflow:mlflow@host/mlflow`, is not among them.
    """
    found = [match[0][len(match["start"]) :] for match in IN_QUERY.finditer(uri)]
    password = "(.*)" if is_database(uri) else "([^/?#]*)"
    if whole := re.match(rf"[\w+.-]+://[^:/?#@]*:{password}@", uri, re.DOTALL):
        found.append(whole[1])
        # Where the password holds an @, SQLAlchemy takes the rest of it for the host.
        found += [f"{rest}@" for rest in whole[1].split("@")[1:]]
    shown = set(re.split(r"\W+", hide_password(uri)))
    both = {form for secret in found for form in (secret, unquote(secret))}
    return {
        secret
        for secret in both
        if (len(secret) >= SHORTEST or secret.endswith("@")) and secret not in shown
    }
