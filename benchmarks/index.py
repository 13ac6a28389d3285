"""Times the index of 122 450 samples, as many as 300W-LP has: first build, next starts, memory of a worker.

    python -m benchmarks.index AFLW2000_SAMPLES BFM.mat

The samples are hard links to a few original ones, in the folders of 300W-LP.
"""

import multiprocessing as mp
import os
import sys
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.measurements import save
from datamodules.face_datamodule import FaceDataModule
from datamodules.face_model import FaceModelOptions
from datamodules.readers.index_options import IndexOptions

SAMPLES = 122_450
FOLDERS = ("AFW", "HELEN", "IBUG", "LFPW")


def measure(root: str, model_file: str) -> None:
    """Links the samples, builds the index, and opens it again."""
    with TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        data = Path(folder) / "300W_LP"
        _link(Path(root), data)
        seconds = {}
        for name in ("first build", "next start", "next start again"):
            start = perf_counter()
            module = FaceDataModule(
                data,
                face_model=FaceModelOptions(Path(model_file)),
                index=IndexOptions(cache_dir=Path(folder) / "cache"),
                num_workers=2,
            )
            module.prepare_data()
            indexed = perf_counter()
            module.setup("fit")
            seconds[name] = {
                "index": round(indexed - start, 2),
                "setup for training": round(perf_counter() - indexed, 2),
            }
        assert module.train_faces is not None
        faces = module.train_faces
        context = mp.get_context("fork")
        queue = context.Queue()
        worker = context.Process(target=_work, args=(faces, queue))
        worker.start()
        private, shared = queue.get()
        worker.join()
        size = sum(path.stat().st_size for path in faces.index.folder.iterdir())
    figures = {
        "samples": SAMPLES,
        "seconds": seconds,
        "training faces": len(faces),
        "worker after 2000 samples, MB": {"private": private, "shared with the others": shared},
        "index on disk, bytes a sample": round(size / SAMPLES),
    }
    save("index", "python -m benchmarks.index AFLW2000_SAMPLES BFM.mat", figures)


def _link(source: Path, target: Path) -> None:
    originals = [path.with_suffix("") for path in sorted(source.glob("*.jpg"))]
    local = target.parent / "originals"
    local.mkdir()
    for stem in originals:
        for ending in (".jpg", ".mat"):
            (local / f"{stem.name}{ending}").write_bytes(stem.with_suffix(ending).read_bytes())
    for name in FOLDERS:
        (target / name).mkdir(parents=True)
    for i, stem, name in zip(range(SAMPLES), cycle(originals), cycle(FOLDERS), strict=False):
        for ending in (".jpg", ".mat"):
            os.link(local / f"{stem.name}{ending}", target / name / f"{name}_{i // 17}_{i % 17}{ending}")


def _work(faces, queue) -> None:
    for position in np.random.default_rng(0).integers(0, len(faces), 2000):
        faces[0, int(position)]
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    kb = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    private = kb["Private_Clean"] + kb["Private_Dirty"]
    queue.put((round(private / 1e3), round((kb["Rss"] - private) / 1e3)))


if __name__ == "__main__":
    measure(*sys.argv[1:3])
