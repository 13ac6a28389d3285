import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.face_errors import FaceErrors
from lightning_module.evaluation.nme import landmark_nme
from lightning_module.evaluation.protocols import test_protocols as protocols_of_a_test
from lightning_module.evaluation.protocols import validation_protocols

ALL = protocols_of_a_test(five_regions())

GENERATOR = torch.Generator().manual_seed(0)
TARGET = torch.rand(7, 68, 3, generator=GENERATOR) * 100
PREDICTED = TARGET + torch.rand(7, 68, 3, generator=GENERATOR)
YAW = torch.tensor([0.0, 40, -70, 10, 50, 80, -20])


def _add(errors, rows):
    errors.update(PREDICTED[rows], TARGET[rows], YAW[rows], torch.tensor(rows))


def test_batches_add_up_to_the_whole():
    errors = FaceErrors(ALL)
    for rows in ([4, 2], [0, 1, 3], [6, 5]):
        _add(errors, rows)
    report = errors.reports()["nme"]
    torch.testing.assert_close(report.per_face, landmark_nme(PREDICTED, TARGET))
    torch.testing.assert_close(report.yaw_deg, YAW)


def test_a_face_that_is_repeated_counts_once():
    errors = FaceErrors(ALL)
    _add(errors, [0, 1, 2])
    _add(errors, [2, 0])
    assert len(errors.reports()["nme"].per_face) == 3


def test_a_single_face_is_a_report_too():
    errors = FaceErrors(ALL)
    _add(errors, [3])
    assert errors.reports()["nme"].counts["yaw_00_30"] == 1


def test_dense_figures_appear_only_with_maps():
    errors = FaceErrors(ALL)
    _add(errors, [0])
    assert list(errors.reports()) == ["nme", "nme_3d_mean_z", "nme_3d_rigid", "nme_3d_similarity"]
    regions = torch.tensor([[2, 3], [4, 5]], dtype=torch.uint8)
    true, predicted = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    predicted[0, 0] = torch.tensor([[1.0, 2], [3, 99]])
    errors = FaceErrors(ALL)
    errors.update(PREDICTED[:1], TARGET[:1], YAW[:1], torch.tensor([0]), (predicted, true, regions), PREDICTED[0])
    reports = errors.reports()
    assert list(reports) == [protocol.name for protocol in ALL]
    torch.testing.assert_close(reports["nme_mean_map"].per_face, reports["nme"].per_face)
    eyes, mouth, face, dense = (
        reports[name].mean_of_faces for name in ("nme_eyes_nose", "nme_mouth", "nme_face", "nme_dense")
    )
    assert [mouth / eyes, face / eyes, dense / eyes] == pytest.approx([2, 3, 2])  # the neck's 99 is in none


def test_validation_follows_a_few():
    errors = FaceErrors(validation_protocols(five_regions()))
    _add(errors, [0])
    assert list(errors.reports()) == ["nme", "nme_3d_mean_z"]


def _process(rank, port, folder):
    dist.init_process_group("gloo", f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    try:
        errors = FaceErrors(ALL)
        # as a distributed sampler deals seven faces to two processes: the first comes twice
        _add(errors, [[0, 2, 4, 6], [1, 3, 5, 0]][rank])
        torch.save(errors.reports()["nme"].per_face, f"{folder}/{rank}.pt")
    finally:
        dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_report_every_face_once(tmp_path, free_port):
    other = mp.get_context("spawn").Process(target=_process, args=(1, free_port, str(tmp_path)))
    other.start()
    _process(0, free_port, str(tmp_path))
    other.join()
    for rank in range(2):
        torch.testing.assert_close(
            torch.load(tmp_path / f"{rank}.pt", weights_only=True), landmark_nme(PREDICTED, TARGET)
        )
