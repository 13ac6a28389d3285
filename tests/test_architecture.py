"""Who may import whom."""

import ast
from pathlib import Path

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
TREES = {path: ast.parse(path.read_text()) for path in SOURCES}


def _place(path):
    return path.relative_to(PROJECT).as_posix()


def _imports(path, tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_place(path)}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_below(name, parents):
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def _faults_of_imports(path, tree):
    """What a file imports though its room may not."""
    place = _place(path)
    room = max((room for room in MAY_IMPORT if place == room or place.startswith(f"{room}/")), key=len)
    for name in _imports(path, tree):
        top = name.partition(".")[0]
        is_foreign = top in OURS and not _is_below(name, MAY_IMPORT[room])
        is_elsewhere = any(
            _is_below(name, [library]) and not place.startswith(rooms) for library, rooms in ONLY_IN.items()
        )
        is_no_geometry = place.startswith("datamodules/geometry") and top in NOT_IN_GEOMETRY
        if is_foreign or is_elsewhere or is_no_geometry:
            yield f"{place} imports {name}"


def test_files_import_only_what_their_rooms_may():
    assert not [fault for path, tree in TREES.items() for fault in _faults_of_imports(path, tree)]


def test_the_first_line_of_a_file_says_what_it_is_for():
    first_lines = {path: (ast.get_docstring(tree) or "").partition("\n")[0] for path, tree in TREES.items()}
    assert not [_place(path) for path, line in first_lines.items() if not line.endswith((".", "?", ":", ";"))]


def test_package_inits_hold_a_docstring_only():
    inits = {path: tree for path, tree in TREES.items() if path.name == "__init__.py"}
    assert not [_place(path) for path, tree in inits.items() if len(tree.body) != 1]


def test_no_drawer_for_what_has_no_home():
    assert not [path for path in SOURCES if path.name in FORBIDDEN_NAMES]
