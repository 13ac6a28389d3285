"""Times index and first epoch of a data set in a zip file, and of the same files in folders.

    python -m benchmarks.zipped_data AFLW2000_SAMPLES BFM.mat

The samples are copies of a few original ones, in the folders of 300W-LP. The pages of both are in memory.
"""

import itertools
import os
import sys
import zipfile
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.measurements import save
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.readers.index_options import IndexOptions

SAMPLES = 10_000
REPEATS = 3
_FOLDERS = ("AFW", "HELEN", "IBUG", "LFPW")
_TOP = "300W_LP"


def measure(root: Path, model_file: Path) -> None:
    """Copies the samples into folders and into a zip file, and times both in turn."""
    seconds: dict[str, dict[str, list[float]]] = {
        kind: {"index": [], "first epoch": []} for kind in ("folders", "zip file")
    }
    with TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        roots = dict(zip(seconds, _written(root, folder), strict=True))
        for repeat, kind in itertools.product(range(REPEATS + 1), seconds):
            index, epoch = _timed(roots[kind], model_file, folder / f"cache-{kind}-{repeat}")
            if repeat:  # the first time fills the page cache
                seconds[kind]["index"].append(index)
                seconds[kind]["first epoch"].append(epoch)
    medians = {kind: {step: median(values) for step, values in own.items()} for kind, own in seconds.items()}
    ratios = {step: round(medians["zip file"][step] / medians["folders"][step], 3) for step in medians["folders"]}
    rounded = {kind: {step: round(value, 2) for step, value in own.items()} for kind, own in medians.items()}
    figures = {"samples": SAMPLES, "seconds": rounded, "zip file / folders": ratios}
    save("zipped_data", "python -m benchmarks.zipped_data AFLW2000_SAMPLES BFM.mat", figures)


def _written(source: Path, folder: Path) -> tuple[Path, Path]:
    originals = [
        [path.with_suffix(ending).read_bytes() for ending in (".jpg", ".mat")] for path in source.glob("*.jpg")
    ]
    unpacked, archive_path = folder / "unpacked", folder / "300W-LP.zip"
    for name in _FOLDERS:
        (unpacked / _TOP / name).mkdir(parents=True)
    with zipfile.ZipFile(archive_path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, contents, name in zip(
            range(SAMPLES), itertools.cycle(originals), itertools.cycle(_FOLDERS), strict=False
        ):
            for ending, content in zip((".jpg", ".mat"), contents, strict=True):
                place = f"{_TOP}/{name}/{name}_{i // 17}_{i % 17}{ending}"
                archive.writestr(place, content)
                (unpacked / place).write_bytes(content)
    return unpacked, archive_path


def _timed(root: Path, model_file: Path, cache: Path) -> tuple[float, float]:
    """Seconds of the first index, and of an epoch of its training faces."""
    start = perf_counter()
    module = FaceDataModule(
        root,
        face_model=FaceModelOptions(model_file),
        index=IndexOptions(cache_dir=cache),
        num_workers=2,
        val_fraction=0.5,
        seed=0,
    )
    module.prepare_data()
    module.setup("fit")
    indexed = perf_counter()
    for _ in module.train_dataloader():
        pass
    return indexed - start, perf_counter() - indexed


if __name__ == "__main__":
    measure(Path(sys.argv[1]), Path(sys.argv[2]))
