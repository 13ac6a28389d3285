"""Tags for the code and the libraries that made a run."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_LIBRARIES = ("torch", "pytorch-lightning", "numpy", "scipy", "opencv-python", "mlflow")


def environment_tags(project: Path) -> dict[str, str]:
    """Git commit, whether the working tree has changes, and versions of libraries, as MLflow tags."""
    tags = {f"version.{name}": version_of for name, version_of in library_versions().items()}
    commit = _git(project, "rev-parse", "HEAD")
    if commit:
        tags["mlflow.source.git.commit"] = commit
        tags["git.dirty"] = str(bool(_git(project, "status", "--porcelain"))).lower()
    return tags


def library_versions() -> dict[str, str]:
    """Versions of the libraries that figures depend on, by name."""
    return {name: _version(name) for name in _LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git(project: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
