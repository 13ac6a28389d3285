"""A stranger judges by a figure of their own: the worst yaw bin of the mouth, from checkpoint to verdict."""

import shutil

import numpy as np
import pytest
import torch

from datamodules.errors import InputError
from datamodules.geometry.regions import five_regions
from lightning_module.evaluation.evaluation_record import read_record
from lightning_module.evaluation.nme import YAW_BINS, NMEReport
from lightning_module.evaluation.score import Score
from lightning_module.region_weights import RegionWeights
from lightning_module.tracking.run_folder import RunFolder
from run import main
from sweeps.confirmation import candidates, confirmation
from sweeps.storage import open_storage, search_study
from sweeps.sweep_markdown import as_markdown
from sweeps.sweep_report import make_report
from sweeps.training import MeasuredErrors, TrainingRequest, TrainingResult, train
from sweeps.worker_process import stage_queue, work
from tests.runs import TINY, fit_arguments, history, write_config
from tests.sweeps.stubs import settings

SCORE = Score.parse("nme_mouth:worst")
YAW = torch.tensor([10.0, 45, 80]).repeat_interleave(10)


def stranger(request):
    """A training whose mouth is best in profile where it weighs much, and whose landmarks and other views suffer."""
    distance = np.log(request.weights.by_name["mouth"] / 50) ** 2
    luck = np.random.default_rng([request.seed, int(1000 * distance)]).normal(0, 0.01)
    for epoch in range(3):
        mouth = dict(zip(YAW_BINS, (4 - distance / 8, 5.0, 20 + distance + luck + abs(epoch - 1)), strict=True))
        request.on_validation({"nme": dict.fromkeys(YAW_BINS, 9 - epoch - distance), "nme_mouth": mouth})
    per_face = torch.tensor(list(mouth.values())).repeat_interleave(10) - 1
    test = MeasuredErrors.of(NMEReport(per_face, YAW), "strange faces", "same") if request.is_tested else None
    return TrainingResult("a run", False, {"data": "d", "morphable_model": "m", "test_data": "t"}, test)


@pytest.mark.slow
def test_search_and_confirmation_follow_the_score(tmp_path):
    asked = settings(tmp_path, scores=(SCORE,), n_trials=16, confirm_ratios=1, confirm_seeds=6)
    work("search", asked, stranger)
    work("confirm", asked, stranger)
    storage = open_storage(asked.storage)
    trials = stage_queue("search", asked, storage).finished()
    assert trials[0].value == pytest.approx(20 + np.log(4 / 50) ** 2, abs=0.1)  # of the second epoch, in profile
    best = min(trials, key=lambda trial: trial.value)
    assert 15 < best.user_attrs["weights"]["mouth"] < 150
    chosen = candidates(trials, asked)
    tested = stage_queue("confirm", asked, storage).finished()
    report = make_report(asked, search_study(asked, storage), trials, confirmation(tested, chosen, asked))
    (verdict,) = report.verdicts
    assert (verdict.ratio, verdict.outcome) == (best.user_attrs["ratio"], "better")
    assert verdict.difference == pytest.approx(best.value - trials[0].value, abs=0.1)
    text = as_markdown(report)
    for piece in ("NME %, mouth, x y, on 30 test faces of **strange faces**", "| worst bin ", f"--score {SCORE} "):
        assert piece in text


def test_a_trials_fit_keeps_the_epoch_that_the_score_chooses(tmp_path, faces, model_file, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    data = [argument for argument in fit_arguments(faces, model_file, tmp_path) if argument.startswith("--data.")]
    write_config(tmp_path / "trial.yaml", *TINY, *data, f"--data.test.root={faces}", "--trainer.max_epochs=4")
    asked = settings(tmp_path, scores=(SCORE,))
    seen = []
    request = TrainingRequest(
        asked, RegionWeights.of(five_regions(), {}), 0, {}, True, lambda validation: seen.append(validation) or True
    )
    result = train(request)
    run = RunFolder(asked.folder / "runs" / result.run)
    values = {step: value for (name, step), value in history(run).items() if name == SCORE.metric("val")}
    assert list(values.values()) == pytest.approx([SCORE.value(validation["nme_mouth"]) for validation in seen])
    kept = torch.load(run.best_checkpoint, weights_only=True)
    assert kept["epoch"] == int(np.argmin(list(values.values())))
    (record,) = (read_record(path) for path in (run.path / "evaluation").glob("*.json"))
    assert result.test.errors == pytest.approx(record.reports["nme_mouth"].per_face.numpy())


def test_a_score_that_the_regions_do_not_have_is_refused_before_anything_is_trained(tmp_path, faces, model_file):
    with pytest.raises(InputError, match=r"--score nme_jaw:worst: .*nme_jaw. Give one of nme, .*nme_mouth") as caught:
        main(fit_arguments(faces, model_file, tmp_path, "--score=nme_jaw:worst"))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_score_of_a_bin_without_validation_faces_ends_the_fit_in_one_line(tmp_path, faces, model_file, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    with pytest.raises(InputError, match=r"--score nme:yaw_30_60: the validation has no val/nme/yaw_30_60") as caught:
        main(fit_arguments(faces, model_file, tmp_path, "--score=nme:yaw_30_60", "--trainer.max_epochs=1"))
    assert "\n" not in str(caught.value)
