"""Which inputs are damaged, and the cheapest commands that read each."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.faults.mutator import mutated
from benchmarks.faults.scheduler import Case, Steps, command_job, faults_of
from benchmarks.faults.slots import Slot
from benchmarks.faults.specimens import PHOTO_ENDINGS, Inputs

# One step; what takes paths and sizes from a damaged configuration would write elsewhere, or train for hours, rightly.
SHORT = ("--trainer.max_steps=1", "--trainer.max_epochs=1", "--test_at_end=false")

# Gives the file to damage and the command line that reads it, for a case's number.
Target = Callable[[Inputs, int], tuple[Path, list[str]]]


def mutation_cases(
    kinds: list[str] | None, count: int, seed: int, patch: Callable[[], None] | None = None
) -> Iterator[Case]:
    """The cases, kinds in turn, so that a stop in between has tried all of them.

    Args:
        kinds: Names of `KINDS`, by default all; "mat:17" is one case.
        count: Number of cases of each kind.
        seed: Seed of all damage.
        patch: Called in each child, to plant a fault.
    """
    for number in range(count):
        for kind in kinds or KINDS:
            name, _, only = kind.partition(":")
            if not only or (number == 0):
                yield _case(name, int(only or number), seed, patch)


def _case(kind: str, number: int, seed: int, patch: Callable[[], None] | None) -> Case:
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])

    def steps(slot: Slot) -> Steps:
        inputs = Inputs(slot.given)

        def arguments() -> list[str]:
            path, said = KINDS[kind](inputs, number)
            data, done = mutated(path.read_bytes(), rng)
            path.write_bytes(data)
            print(f"{path.relative_to(slot.given)}: {done}")
            return said

        ending = yield command_job(slot, arguments, patch)
        damage = ending.output.partition("\n")[0]
        return [replace(fault, detail=f"{damage}; {fault.detail}") for fault in faults_of(ending, slot)]

    return Case(f"{kind}:{number}", steps)


def _mat(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    return inputs.faces / "image00001.mat", inputs.prepare()


def _bfm(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    return inputs.model.with_name(("BFM.mat", "BFM.mat", "BFM_UV.mat")[number % 3]), inputs.prepare()


def _image(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    ending = ("faces", *PHOTO_ENDINGS)[number % (len(PHOTO_ENDINGS) + 1)]
    if ending == "faces":
        return inputs.faces / "image00002.jpg", inputs.prepare()
    photo = inputs.photos / f"photo.{ending}"
    return photo, inputs.predict(photo, inputs.network)


def _boxes(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    path = inputs.boxes
    if number % 2:
        path = inputs.boxes.with_suffix(".json")
        path.write_text(
            '{"photo.jpg": [[15, 15, 95, 105]], "photo.png": [[15, 15, 95, 105], [10.5, 1e1, 90, 99]]}',
            encoding="utf-8",
        )
    return path, inputs.predict(inputs.photos / "photo.png", inputs.network, path)


def _checkpoint(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    best, last = inputs.run / "best.ckpt", inputs.run / "last.ckpt"
    return [
        (best, inputs.predict(inputs.photos / "photo.jpg", best)),
        (last, _went_on(inputs, "--ckpt_path=last", "--trainer.max_epochs=3", "--trainer.max_steps=3")),
        (best, _test(inputs, best)),
        (best, ["export", f"--ckpt_path={best}", "--format=torchscript", f"--out={inputs.out / 'network.pt'}"]),
        (last, inputs.fit(inputs.new_tracking(), *SHORT, f"--init_from={last}")),
    ][number % 5]


def _onnx(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    return inputs.network, inputs.predict(inputs.photos / "photo.jpg", inputs.network)


def _journal(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    name = ("journal.jsonl", "journal.jsonl", "delivery.json", "evaluation/faces.json", "evaluation/faces.npz")
    tracking = f"--tracking.folder={inputs.tracking}"
    commands = (
        ["compare", tracking, f"--out={inputs.out}", "--no_log"],
        inputs.fit(inputs.tracking, *SHORT),
        _went_on(inputs, "--ckpt_path=last"),
        _test(inputs, inputs.run / "best.ckpt"),
    )
    return inputs.run / name[number % 5], commands[number % 4]


def _cache(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    files = [path for path in sorted(inputs.cache.rglob("*")) if path.is_file()]
    return files[number % len(files)], inputs.fit(inputs.new_tracking(), *SHORT)


def _yaml(inputs: Inputs, number: int) -> tuple[Path, list[str]]:
    config = inputs.run / "config.yaml"
    if number % 4 == 3:
        return config, _went_on(inputs, "--ckpt_path=last")
    command, *options = inputs.fit(inputs.new_tracking(), *SHORT)
    return config, [command, f"--config={config}", *options]


def _went_on(inputs: Inputs, *more: str) -> list[str]:
    from tests.runs import TINY

    quiet = [option for option in TINY if option.startswith("--trainer.enable")]
    return ["fit", f"--tracking.folder={inputs.tracking}", *quiet, "--test_at_end=false", *more]


def _test(inputs: Inputs, checkpoint: Path) -> list[str]:
    from tests.runs import TINY

    quiet = [option for option in TINY if option.startswith("--trainer.enable")]
    data = [f"--data.test.root={inputs.faces}", *inputs.data[1:], "--data.num_workers=0"]
    return ["test", f"--ckpt_path={checkpoint}", f"--tracking.folder={inputs.tracking}", *data, *quiet]


KINDS: dict[str, Target] = {
    "mat": _mat,
    "bfm": _bfm,
    "image": _image,
    "boxes": _boxes,
    "checkpoint": _checkpoint,
    "onnx": _onnx,
    "journal": _journal,
    "cache": _cache,
    "yaml": _yaml,
}
