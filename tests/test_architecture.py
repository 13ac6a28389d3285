"""Who may import whom."""

import ast
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
OURS = {"datamodules", "lightning_module", "sweeps", "run"}

# What of ours the files of a room may import; the longest prefix of a file's path decides.
GEOMETRY, FILES, READERS, ERRORS, TYPES = (
    f"datamodules.{name}" for name in ("geometry", "files", "readers", "errors", "types")
)
SAFE_FILES = (f"{FILES}.atomic_files", f"{FILES}.file_locks")  # for whatever writes
ADDRESSES = "datamodules.addresses"  # for whatever shows one
ROOM = "lightning_module"
TRACKING, EVALUATION = f"{ROOM}.tracking", f"{ROOM}.evaluation"
MAY_IMPORT = {
    "datamodules/addresses.py": (),
    "datamodules/errors.py": (ADDRESSES,),
    "datamodules/geometry": (GEOMETRY, ERRORS),
    "datamodules/types.py": (GEOMETRY,),
    "datamodules/files": (FILES, GEOMETRY, TYPES, ERRORS),
    "datamodules/readers": (READERS, FILES, GEOMETRY, TYPES, ERRORS),
    "datamodules/augmentation": ("datamodules.augmentation", GEOMETRY, ERRORS),
    "datamodules/augmentation/pose": (
        "datamodules.augmentation.pose",
        "datamodules.face_landmarks",
        READERS,
        FILES,
        GEOMETRY,
        TYPES,
        ERRORS,
    ),
    # a stream makes samples, and the default data name their face model
    "datamodules/synthetic": (
        "datamodules.synthetic",
        "datamodules.sample_maker",
        "datamodules.face_model",
        FILES,
        GEOMETRY,
        TYPES,
        ERRORS,
    ),
    "datamodules": ("datamodules",),
    "lightning_module/networks": (f"{ROOM}.networks", ERRORS),
    "lightning_module/evaluation": (EVALUATION, TYPES, GEOMETRY, ERRORS),
    "lightning_module/tracking": (TRACKING, f"{ROOM}.project", f"{EVALUATION}.nme", *SAFE_FILES, ADDRESSES, ERRORS),
    # evaluations of other methods start from files
    "lightning_module/reporting": (
        f"{ROOM}.reporting",
        EVALUATION,
        TRACKING,
        f"{ROOM}.project",
        FILES,
        GEOMETRY,
        ERRORS,
    ),
    "lightning_module/inference": (ROOM, "datamodules"),
    # its steps are commands
    "lightning_module/reproduction": (ROOM, "datamodules", "run"),
    # where data and network meet
    "lightning_module/configuration/command_options.py": (ROOM, "datamodules"),
    "lightning_module": (ROOM, *SAFE_FILES, ADDRESSES, TYPES, GEOMETRY, ERRORS, "datamodules.lost_workers"),
    "sweeps": ("sweeps", ROOM, *SAFE_FILES, ADDRESSES, ERRORS, "datamodules.disk_faults", f"{GEOMETRY}.regions"),
    "run.py": ("datamodules", ROOM, "sweeps"),
}
# Exceptions from the rooms above, within lightning_module: what stands above a file.
UPPER_ROOMS = tuple(f"{ROOM}.{name}" for name in ("callbacks", "cli", "run_session", "inference"))
MUST_NOT_IMPORT = {
    "lightning_module/reproduction": (),  # it stands above all others
    "lightning_module": (f"{ROOM}.inference",),
    "lightning_module/callbacks": (f"{ROOM}.cli", f"{ROOM}.run_session", f"{ROOM}.inference"),
    "lightning_module/configuration": (*UPPER_ROOMS, f"{ROOM}.reporting"),
    "lightning_module/face_module.py": (*UPPER_ROOMS, f"{ROOM}.reporting", TRACKING, f"{ROOM}.configuration"),
    "lightning_module/checkpoint.py": (*UPPER_ROOMS, f"{ROOM}.reporting", TRACKING, f"{ROOM}.configuration"),
    "lightning_module/inference": (f"{ROOM}.callbacks", f"{ROOM}.cli", f"{ROOM}.run_session", f"{ROOM}.configuration"),
}
# Where a library may be imported, and nowhere else.
ONLY_IN = {
    "mlflow": ("lightning_module/tracking", "lightning_module/reporting/run_reader.py"),
    "optuna": ("sweeps",),
    "sqlalchemy": ("sweeps/storage.py", "sweeps/connections.py"),
    "scipy.io": ("datamodules/files",),
    "trimesh": ("datamodules/files", "lightning_module/evaluation/florence.py"),
    "PIL": ("datamodules/files",),
    "face_alignment": ("lightning_module/inference/face_alignment_detector.py",),
    "skimage": ("lightning_module/inference",),
    "safetensors": ("lightning_module/packed_network.py",),
    "gradio": ("lightning_module/inference/demo",),
    "onnx": ("lightning_module/inference/export",),
    "onnxruntime": ("lightning_module/inference/export",),
}
NOT_IN_GEOMETRY = {"torch", "cv2", "pathlib", "os", "pytorch_lightning"}
MOST_LINES = 250
LEAST_NUMBERS = 12  # of a table that is easier to read in columns
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py"}

SOURCES = sorted(
    path for name in ("datamodules", "lightning_module", "sweeps") for path in (PROJECT / name).rglob("*.py")
)
SOURCES.append(PROJECT / "run.py")
BENCHMARKS = sorted((PROJECT / "benchmarks").rglob("*.py"))
TESTS = sorted((PROJECT / "tests").rglob("*.py"))
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


def _of_longest_prefix(table, place):
    rooms = [room for room in table if place == room or place.startswith(f"{room}/")]
    return table[max(rooms, key=len)] if rooms else ()


def _is_below(name, parents):
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def _faults_of_imports(path, tree):
    """What a file imports though its room may not."""
    place = _place(path)
    allowed, forbidden = _of_longest_prefix(MAY_IMPORT, place), _of_longest_prefix(MUST_NOT_IMPORT, place)
    for name in _imports(path, tree):
        top = name.partition(".")[0]
        is_foreign = top in OURS and (not _is_below(name, allowed) or _is_below(name, forbidden))
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


def test_no_two_files_have_one_name():
    names = [path.name for path in (*SOURCES, *BENCHMARKS) if path.name != "__init__.py"]
    assert not {name for name in names if names.count(name) > 1}


def test_no_file_is_longer_than_250_lines():
    lengths = {_place(path): len(path.read_text().splitlines()) for path in (*SOURCES, *BENCHMARKS, *TESTS)}
    assert not {place: length for place, length in lengths.items() if length > MOST_LINES}


def test_only_tables_of_numbers_are_formatted_by_hand():
    by_hand = [(path, _formatted_by_hand(path)) for path in (*SOURCES, *BENCHMARKS, *TESTS)]
    assert not [_place(path) for path, sizes in by_hand if min(sizes, default=LEAST_NUMBERS) < LEAST_NUMBERS]


def _formatted_by_hand(path):
    """How many numbers each statement has that the formatter skips."""
    text = path.read_text()
    marker = "# fmt: " + "skip"
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.endswith(marker)]
    for line in lines:
        statement = next(node for node in ast.parse(text).body if node.lineno <= line <= node.end_lineno)
        numbers = [node for node in ast.walk(statement) if isinstance(node, ast.Constant)]
        yield sum(isinstance(node.value, int | float) for node in numbers)
