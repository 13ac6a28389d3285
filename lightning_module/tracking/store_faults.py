"""What is wrong with a tracking store, in one line with the remedy, and whether waiting can help."""

import errno

from datamodules.addresses import PASSWORD_VARIABLE, USER_VARIABLE, masked
from datamodules.errors import InputError

_SHAPES = "http://HOST:PORT, sqlite:///FILE or postgresql://USER@HOST/NAME"
_OPTION = "--tracking.uri (--tracking_uri of a sweep)"
_OTHER_SCHEMA = "out-of-date database schema"
_NO_MLFLOW = "not in a valid JSON format"
# what databases answer that are there, and refuse the user
_NO_ENTRY = (
    "password authentication failed",
    "no password supplied",
    "Access denied",
    "does not exist",
    "Unknown database",
)
_NOT_LET_IN = ("UNAUTHENTICATED", "PERMISSION_DENIED", "CUSTOMER_UNAUTHORIZED")
_NO_PLACE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
_NO_ADDRESS = ("UnsupportedModelRegistryStoreURIException", "InvalidUrlException", "ArgumentError")


def first_line(error: BaseException) -> str:
    """The beginning of an error's message, on one line and without passwords."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return masked(lines[0])[:300]


def lasting_fault(error: BaseException, uri: str) -> InputError | None:
    """The fault of a store that no waiting mends; None for a store that is away.

    Args:
        error: What MLflow, SQLAlchemy or Python raised.
        uri: Address of the store, as it may be shown.
    """
    if isinstance(error, InputError):
        return error
    kind, code, text = type(error).__name__, getattr(error, "error_code", None), str(error)
    if isinstance(error, ImportError) or kind == "NoSuchModuleError":
        driver = "install it; for PostgreSQL with pip install -e '.[postgres]' in the project's folder"
        return _fault(
            uri, f"its driver is missing: {first_line(error)}", f"Give {_OPTION} another address, or {driver}."
        )
    if _OTHER_SCHEMA in text:
        remedy = f"Back it up, then run mlflow db upgrade '{uri}'; or give {_OPTION} another address."
        return _fault(uri, "another version of MLflow wrote it", remedy)
    if code in _NOT_LET_IN or (code is None and any(sign in text for sign in _NO_ENTRY)):
        remedy = f"Set {USER_VARIABLE} and {PASSWORD_VARIABLE}, or give {_OPTION} another address."
        return _fault(uri, f"it does not let this user in: {first_line(error)}", remedy)
    if code == "ENDPOINT_NOT_FOUND" or _NO_MLFLOW in text:
        return _fault(uri, "what answers there is no MLflow server", f"Give {_OPTION} its address.")
    if kind in _NO_ADDRESS or (code == "INVALID_PARAMETER_VALUE" and kind != "RestException"):
        return _fault(uri, "it is no address of an MLflow store", f"Give {_OPTION} {_SHAPES}.")
    if isinstance(error, OSError) and error.errno in _NO_PLACE:
        reason = f"{error.strerror}: {error.filename}"
        return _fault(uri, reason, f"Give {_OPTION} an address that can be written, or set --tracking.folder.")
    return None


def unusable(error: BaseException, uri: str) -> InputError:
    """The fault of a store that a command cannot do without, whether or not waiting helps."""
    remedy = f"Start the server, or give {_OPTION} another address."
    return lasting_fault(error, uri) or _fault(uri, first_line(error), remedy)


def _fault(uri: str, reason: str, remedy: str) -> InputError:
    return InputError(f"{uri}: cannot be used to track runs ({reason}). {remedy}")


def in_memory(uri: str) -> InputError:
    """The fault of an SQLite database without a file."""
    return _fault(uri, "a database in memory is lost with its process", f"Give {_OPTION} {_SHAPES}.")


def deleted_experiment(name: str, experiment_id: str, uri: str) -> InputError:
    """The fault of an experiment that was deleted in MLflow."""
    return InputError(
        f"{uri}: the experiment {name} was deleted. Restore it (MLFLOW_TRACKING_URI='{uri}' mlflow experiments restore -x "
        f"{experiment_id}), or give another with --tracking.experiment (--experiment of a sweep)."
    )


def deleted_run(key: str, run_id: str, uri: str) -> InputError:
    """The fault of a run that was deleted in MLflow."""
    return InputError(
        f"{uri}: the run {key} was deleted. Restore it (MLFLOW_TRACKING_URI='{uri}' mlflow runs restore --run-id {run_id}), "
        "or start a new run from its checkpoint with --branch_from or --init_from."
    )
