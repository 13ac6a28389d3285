"""What may be shown of an address, and which file it names."""

from pathlib import Path

import pytest

from datamodules.addresses import (
    masked,
    resolved,
    sqlite_address,
    sqlite_file,
    with_credentials,
    without_credentials,
)
from datamodules.errors import InputError

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("address", "shown", "written"),
    [
        (f"http://me:{SECRET}@host:5000/path", "http://***@host:5000/path", "http://host:5000/path"),
        (f"HTTPS://{SECRET}@host", "HTTPS://***@host", "HTTPS://host"),  # a token may stand alone
        (
            f"http://me:{SECRET}/#?{SECRET}@a@host/x",
            "http://***@host/x",
            "http://host/x",
        ),  # not encoded, as people type
        (f"http://host?api_token={SECRET}&page=1", "http://host?api_token=***&page=1", "http://host?page=1"),
        (f"http://host/?{SECRET}", "http://host/?***", "http://host/"),
        (f"postgresql://me:{SECRET}@host/runs", "postgresql://me:***@host/runs", "postgresql://host/runs"),
        (
            f"postgresql+psycopg://host/runs?sslmode=require&user=me&password={SECRET}",
            "postgresql+psycopg://host/runs?sslmode=require&user=***&password=***",
            "postgresql+psycopg://host/runs?sslmode=require",
        ),
        (f"s3://{SECRET}:{SECRET}@bucket/x", "s3://***@bucket/x", "s3://bucket/x"),
        ("postgresql://me@host/runs", "postgresql://me@host/runs", "postgresql://me@host/runs"),
        ("sqlite:////data@home:1/x@y.db", "sqlite:////data@home:1/x@y.db", "sqlite:////data@home:1/x@y.db"),
        ("https://github.com/@user", "https://github.com/@user", "https://github.com/@user"),
    ],
)
def test_an_address_shows_no_secret(address, shown, written):
    assert masked(address) == shown
    assert without_credentials(address) == written
    assert masked(written) == without_credentials(written) == written
    assert SECRET not in shown + written


def test_a_text_keeps_what_is_no_secret():
    text = f"API request to http://me:{SECRET}@host/api/2.0 failed; see https://docs.org/page?section=2 or a@b.org: no"
    assert (
        masked(text)
        == "API request to http://***@host/api/2.0 failed; see https://docs.org/page?section=2 or a@b.org: no"
    )


def test_no_error_shows_a_secret():
    assert (
        str(InputError(f"--storage postgres://me:{SECRET}@h/x: is away."))
        == "--storage postgres://me:***@h/x: is away."
    )


def test_a_database_takes_user_and_password_from_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "p@ss/word")
    assert with_credentials("postgresql://host/runs") == "postgresql://me:p%40ss%2Fword@host/runs"
    assert with_credentials("postgresql://other@host/runs") == "postgresql://other@host/runs"
    assert with_credentials("http://host") == "http://host"  # MLflow's client reads the variables itself
    assert with_credentials("sqlite:////a/b.db") == "sqlite:////a/b.db"
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    assert with_credentials("postgresql://host/runs") == "postgresql://host/runs"


@pytest.mark.parametrize("folder", ["plain", "two words", "run?lr=1", "a?b", "100%", "%3F", "no. #1", "{x}", "ä & é"])
def test_an_sqlite_file_is_found_whatever_its_folder_is_called(folder):
    path = Path("/data") / folder / "mlflow.db"
    assert sqlite_file(sqlite_address(path)) == path
    assert resolved(sqlite_address(path)) == sqlite_address(path)


def test_a_question_mark_in_a_given_address_belongs_to_the_path_unless_options_follow(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert sqlite_file(resolved("sqlite:////a?b/mlflow.db")) == Path("/a?b/mlflow.db")
    assert resolved("sqlite:////a/mlflow.db?timeout=5") == "sqlite:////a/mlflow.db?timeout=5"
    assert sqlite_file("sqlite:////a/mlflow.db?timeout=5") == Path("/a/mlflow.db")
    assert resolved("sqlite:///runs.db") == f"sqlite:///{tmp_path / 'runs.db'}"
    assert [sqlite_file(address) for address in ("sqlite://", "sqlite:///:memory:", "http://h")] == [None] * 3
