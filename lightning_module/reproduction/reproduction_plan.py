"""The steps from the downloads to the tested networks, with their time and room on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from datamodules.errors import cannot_write
from datamodules.face_model import FaceModel
from datamodules.files.bfm import UV_FILE
from datamodules.files.bfm_assembly import assemble
from datamodules.files.downloaded_samples import SampleSet
from datamodules.files.downloads import FoundFile
from datamodules.files.unpacking import room_of, unpack_files, unpack_samples
from datamodules.geometry.regions import five_regions
from lightning_module.region_weights import RegionWeights
from lightning_module.reproduction.budgets import Budget, ratio_title
from lightning_module.reproduction.florence_error import measure_florence
from lightning_module.reproduction.florence_scans import FlorenceScans
from lightning_module.reproduction.inventory import MODEL_FILE, WEIGHTS, Inventory
from lightning_module.reproduction.reproduced_runs import RunData, as_command
from lightning_module.reproduction.reproduction_steps import Outcome, Step
from lightning_module.reproduction.training_time import TrainingCost
from run import main

PRNET_TEST, FLORENCE, MODEL = "test-prnet", "florence", "model"
# rates of two shared cores, for estimates
_FILES_A_SECOND = 2000.0
_CHECK_SECONDS, _ASSEMBLY_SECONDS, _IMPORT_SECONDS = 5.0, 30.0, 20.0
_SCAN_SECONDS = 20.0
_MODEL_BYTES, _PRNET_BYTES, _SCAN_BYTES = 200 << 20, 60 << 20, 40 << 20


@dataclass(frozen=True)
class Training:
    """A training of the plan.

    Attributes:
        weights: Its region weights.
        seed: Its seed.
        step: Its step.
    """

    weights: RegionWeights
    seed: int
    step: Step


@dataclass(frozen=True)
class Plan:
    """The steps of a reproduction.

    Attributes:
        data: The data of its runs.
        preparation: Steps before the trainings.
        trainings: The trainings, seed by seed.
        tests: Tests of other systems, and on the Florence scans.
        cost: What a training takes.
    """

    data: RunData
    preparation: Sequence[Step]
    trainings: Sequence[Training]
    tests: Sequence[Step]
    cost: TrainingCost

    @property
    def steps(self) -> list[Step]:
        """All steps in their order."""
        return [*self.preparation, *(training.step for training in self.trainings), *self.tests]


def make_plan(
    found: Inventory, budget: Budget, ratios: Sequence[RegionWeights], seeds: int, out: Path, cost: TrainingCost
) -> Plan:
    """Plans a reproduction.

    Args:
        found: The downloads.
        budget: The length of its trainings.
        ratios: The ratios to train.
        seeds: Trainings of each.
        out: Its folder.
        cost: What a training takes on this machine.
    """
    sets = {"training": (found.training, budget.training_samples), "test": (found.test, budget.test_samples)}
    folders = {name: samples.place for name, (samples, _) in sets.items()}
    preparation = []
    for name, (samples, most) in sets.items():
        if samples.is_packed or len(samples.spread(most)) < len(samples.samples):
            folders[name] = out / "data" / name
            preparation.append(_unpacking(name, samples, most, folders[name]))
    model, model_step = _model(found, out)
    data = RunData(folders["training"], folders["test"], model, out / "tracking")
    counts = {name: len(samples.spread(most)) for name, (samples, most) in sets.items()}
    seconds = cost.seconds(counts["training"], counts["test"])
    trainings = []
    for seed in range(seeds):
        for weights in ratios:
            name = f"fit-{weights.ratio}-s{seed}"
            trainings.append(
                Training(
                    weights,
                    seed,
                    Step(
                        name,
                        f"train {ratio_title(weights)} from seed {seed}, and test it",
                        as_command(data.fit_arguments(budget.config, weights, seed)),
                        seconds,
                        cost.checkpoint_bytes,
                        budget.config.name,
                        partial(data.train, name, budget.config, weights, seed),
                        data.is_whole,
                    ),
                )
            )
    tests = _prnet(found, out, data, cost.test_seconds(counts["test"]))
    if found.florence is not None:
        tests.append(_florence(found.florence, trainings[0], out, data))
    return Plan(data, [*preparation, model_step], trainings, tests, cost)


def _unpacking(name: str, samples: SampleSet, most: int | None, folder: Path) -> Step:
    chosen = samples.spread(most)
    part = f"{len(chosen)} of {len(samples.samples)} samples of" if len(chosen) < len(samples.samples) else "all of"

    room = room_of([file.size for sample in chosen for file in (sample.image, sample.parameters)])

    def unpack() -> Outcome:
        return {"bytes": unpack_samples(samples, chosen, folder)}

    return Step(
        f"unpack-{name}",
        f"unpack {part} {samples.name}, to {'train' if name == 'training' else 'test'} on",
        "",
        2 * len(chosen) / _FILES_A_SECOND,
        room,
        f"{len(chosen)} of {len(samples.samples)} samples of {samples.name}, {room} bytes",
        unpack,
        lambda _: folder.is_dir(),
    )


def _model(found: Inventory, out: Path) -> tuple[Path, Step]:
    """The model's file, and the step that makes or checks it."""
    own = out / "model" / MODEL_FILE
    command, title, room, source, path, seconds = "", "check the face model", 0, "its raw files", own, _CHECK_SECONDS
    if found.raw is not None:
        raw = found.raw
        title, room, seconds = "make BFM.mat from its raw files", _MODEL_BYTES, _ASSEMBLY_SECONDS
        command = as_command(["assemble-bfm", f"--raw={found.root}", f"--out={own}"])
    else:
        model, coordinates = found.model
        source = f"{model.name}, {model.size} bytes"
        if is_packed := model.member is not None or coordinates.member is not None or model.path.name != MODEL_FILE:
            title, room = "unpack the face model", room_of([model.size, coordinates.size])
        else:
            path = model.path

    def provide() -> Outcome:
        if found.raw is not None:
            model_made = assemble(raw)
            try:
                own.parent.mkdir(parents=True, exist_ok=True)
                model_made.write(own)
            except OSError as error:
                raise cannot_write(own, error, "--out") from error
        elif is_packed:
            unpack_files({MODEL_FILE: model, UV_FILE: coordinates}, own.parent)
        model_there = FaceModel(path, None, five_regions())
        _ = model_there.layout  # faults of a model show here, and not after the data are indexed
        return {"vertices": len(model_there.morphable.mean)}

    return path, Step(MODEL, title, command, seconds, room, source, provide, lambda _: path.is_file())


def _prnet(found: Inventory, out: Path, data: RunData, test_seconds: float) -> list[Step]:
    """The steps of PRNet; none if it is not among the downloads."""
    if not found.prnet:
        return []
    folder, checkpoint = out / "prnet", out / "prnet.ckpt"
    files: dict[str, FoundFile] = {file.name: file for file in found.prnet}
    convert = ["import-prnet", f"--weights={folder / WEIGHTS}", f"--uv_data={folder}", f"--out={checkpoint}"]

    def unpack() -> Outcome:
        return {"bytes": unpack_files(files, folder)}

    def import_network() -> Outcome:
        main(convert)
        return {}

    room = room_of([file.size for file in found.prnet])
    source = f"{len(found.prnet)} files, {room} bytes"
    return [
        Step("unpack-prnet", "copy PRNet's weights", "", 2.0, room, source, unpack, lambda _: folder.is_dir()),
        Step(
            "import-prnet",
            "import PRNet's weights",
            as_command(convert),
            _IMPORT_SECONDS,
            _PRNET_BYTES,
            source,
            import_network,
            lambda _: checkpoint.is_file(),
        ),
        Step(
            PRNET_TEST,
            "test PRNet",
            as_command(data.test_arguments(checkpoint)),
            test_seconds,
            0,
            source,
            partial(data.test_system, PRNET_TEST, checkpoint),
            data.is_whole,
        ),
    ]


def _florence(scans: FlorenceScans, training: Training, out: Path, data: RunData) -> Step:
    """The step of the Florence scans."""
    name, count = ratio_title(training.weights), len(scans.names)

    def measure() -> Outcome:
        return measure_florence(scans, data.network(training.step.name), name, out / "florence", data.tracking)

    title = f"compare surfaces of {name} with {count} Florence scans"
    return Step(
        FLORENCE, title, "", _SCAN_SECONDS * count, _SCAN_BYTES * count, f"{count} scans", measure, lambda _: True
    )
