"""Who may import whom."""

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
OURS = {"datamodules", "lightning_module", "sweeps", "run"}

# What of ours the files of a room may import; the longest prefix of a file's path decides.
MAY_IMPORT = {
    "datamodules/errors.py": (),
    "datamodules/geometry": ("datamodules.geometry", "datamodules.errors"),
    "datamodules/types.py": ("datamodules.geometry",),
    "datamodules/files": ("datamodules.files", "datamodules.geometry", "datamodules.types", "datamodules.errors"),
    "datamodules": ("datamodules",),
    "lightning_module/networks": ("lightning_module.networks", "datamodules.errors"),
    # evaluating other methods, and photographs, start from files
    "lightning_module/evaluation/evaluate_command.py": ("lightning_module", "datamodules.files", "datamodules.errors"),
    "lightning_module/evaluation/evaluate_meshes_command.py": (
        "lightning_module",
        "datamodules.files",
        "datamodules.errors",
    ),
    "lightning_module/inference": ("lightning_module", "datamodules"),
    "lightning_module/configuration/command_options.py": (
        "lightning_module",
        "datamodules",
    ),  # where data and network meet
    "lightning_module": ("lightning_module", "datamodules.types", "datamodules.geometry", "datamodules.errors"),
    "sweeps": ("sweeps", "lightning_module", "datamodules.errors", "datamodules.geometry.regions"),
    "run.py": ("datamodules", "lightning_module", "sweeps"),
}
# Where a library may be imported, and nowhere else.
ONLY_IN = {
    "mlflow": ("lightning_module/tracking", "lightning_module/reporting/run_reader.py"),
    "optuna": ("sweeps",),
    "sqlalchemy": ("sweeps/storage.py",),
    "scipy.io": ("datamodules/files",),
    "trimesh": ("datamodules/files", "lightning_module/evaluation/florence.py"),
    "PIL": ("datamodules/files",),
    "face_alignment": ("lightning_module/inference/face_alignment_detector.py",),
    "skimage": ("lightning_module/inference",),
    "onnx": ("lightning_module/inference/export",),
    "onnxruntime": ("lightning_module/inference/export",),
}
NOT_IN_GEOMETRY = {"torch", "cv2", "pathlib", "os", "pytorch_lightning"}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py"}

SOURCES = sorted(
    path for name in ("datamodules", "lightning_module", "sweeps") for path in (PROJECT / name).rglob("*.py")
)
SOURCES.append(PROJECT / "run.py")


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_below(name, parents):
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_a_file_imports_only_what_its_room_may(path):
    place = path.relative_to(PROJECT).as_posix()
    room = max((room for room in MAY_IMPORT if place == room or place.startswith(f"{room}/")), key=len)
    for name in _imports(path):
        if name.partition(".")[0] in OURS:
            assert _is_below(name, MAY_IMPORT[room]), f"{place} imports {name}"
        for library, rooms in ONLY_IN.items():
            if _is_below(name, [library]):
                assert place.startswith(rooms), f"{place} imports {name}"
        if place.startswith("datamodules/geometry"):
            assert name.partition(".")[0] not in NOT_IN_GEOMETRY, f"{place} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_the_first_line_of_a_file_says_what_it_is_for(path):
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring
    assert docstring.splitlines()[0].endswith((".", "?", ":", ";"))


def test_package_inits_hold_a_docstring_only():
    for path in SOURCES:
        if path.name == "__init__.py":
            assert len(ast.parse(path.read_text()).body) == 1, path


def test_no_drawer_for_what_has_no_home():
    assert not [path for path in SOURCES if path.name in FORBIDDEN_NAMES]
