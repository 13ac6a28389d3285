"""Addresses of servers and databases: what may be shown of them, and which files they name.

Users, passwords and tokens stay out of all that is printed, written or uploaded.
"""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

HIDDEN = "***"
USER_VARIABLE, PASSWORD_VARIABLE = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"

# What stands before the last @ of an address; a password may hold any character but a space, as people type it.
_LOGIN = re.compile(r"\b([a-z][a-z0-9+.-]*:/{1,2})(?!/)([^\s/?#@:]*)(:\S*)?@", re.IGNORECASE)
_QUERY = re.compile(r"\b([a-z][a-z0-9+.-]*:/[^\s?]*)\?([^\s\"'<>]*)", re.IGNORECASE)
_PARAMETER = re.compile(r"([^&;=]+)(=[^&;]*)?")  # a value without a name may be a token
_DATABASES = ("postgres", "mysql", "mariadb", "mssql", "oracle", "cockroach")
_SECRET_NAMES = re.compile(
    r"pass|pwd|token|secret|key|auth|cred|sig|user|account|jwt|bearer|session|access|code", re.IGNORECASE
)
_SQLITE = re.compile(r"sqlite(\+\w+)?:///(.+)", re.DOTALL)
_OPTIONS = re.compile(r"[\w.-]+=[^/]*(&[\w.-]+=[^/]*)*")  # of SQLite, rather than the rest of a path


def masked(text: str) -> str:
    """A text in which no address shows its user, password or tokens.

    A database keeps the user's name, which is no secret there; before the @ of other addresses a token may stand alone.
    """
    return _QUERY.sub(_without_values, _LOGIN.sub(_without_login, text))


def without_credentials(address: str) -> str:
    """An address as it may be written to files: without user, password and tokens.

    A database's user without a password stays, since no other place names it.
    """
    is_database = _is_database(address)
    login = _LOGIN.match(address)
    if login and (login[3] or not is_database):
        address = login[1] + address[login.end() :]
    start, mark, query = address.partition("?")
    if not mark or address.startswith("sqlite"):
        return address
    kept = [part for part in query.split("&") if "=" in part and not _SECRET_NAMES.search(part.partition("=")[0])]
    return f"{start}?{'&'.join(kept)}" if kept else start


def with_credentials(address: str) -> str:
    """The address of a database with user and password of the environment, unless it has its own.

    MLflow itself reads the variables for its servers.
    """
    user, password = os.environ.get(USER_VARIABLE), os.environ.get(PASSWORD_VARIABLE)
    if not user or not _is_database(address) or _LOGIN.match(address):
        return address
    scheme, mark, rest = address.partition("://")
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"{scheme}{mark}{login}@{rest}" if mark else address


def sqlite_address(path: Path) -> str:
    """The address of an SQLite file for SQLAlchemy, which decodes the path, and takes a question mark for its end.

    The driver is named where the path is encoded, since MLflow makes the folder that stands behind `sqlite:///` as it is.
    """
    text = str(path)
    encoded = text.replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{text}" if encoded == text else f"sqlite+pysqlite:///{encoded}"


def sqlite_file(address: str) -> Path | None:
    """The file of an SQLite database; None for other addresses, and for databases in memory."""
    match = _SQLITE.fullmatch(address)
    if match is None or match[2].startswith(":memory:"):
        return None
    name, _, options = match[2].partition("?")
    return Path(unquote(name if not options or _OPTIONS.fullmatch(options) else match[2]))


def resolved(address: str) -> str:
    """An address as the libraries understand it from any folder: an SQLite file has its absolute path.

    A question mark in that path belongs to it.
    """
    path = sqlite_file(address)
    if path is None or _OPTIONS.fullmatch(address.partition("?")[2]):
        return address
    return sqlite_address(path.absolute())


def _is_database(address: str) -> bool:
    return address.lower().startswith(_DATABASES)


def _without_login(login: re.Match[str]) -> str:
    scheme, user, password = login.groups()
    if not _is_database(scheme):
        return f"{scheme}{HIDDEN}@"
    return f"{scheme}{user}:{HIDDEN}@" if password else login[0]


def _without_values(query: re.Match[str]) -> str:
    address, values = query.groups()
    if address.lower().startswith("sqlite"):
        return query[0]

    def hide(parameter: re.Match[str]) -> str:
        name, value = parameter.groups()
        return parameter[0] if value and not _SECRET_NAMES.search(name) else f"{name}={HIDDEN}" if value else HIDDEN

    return f"{address}?{_PARAMETER.sub(hide, values)}"
