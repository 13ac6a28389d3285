"""Fits that go on otherwise than they began, or had ended: what is trained, validated and kept."""

from types import SimpleNamespace

import pytest
import torch
import yaml
from pytorch_lightning import Callback
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.optim.lr_scheduler import OneCycleLR

from datamodules.errors import InputError
from lightning_module.callbacks.best_checkpoint import BestCheckpoint
from lightning_module.callbacks.continued_fit import ContinuedFit
from lightning_module.cli import run_cli
from lightning_module.configuration.checkpoint_progress import read_progress
from lightning_module.configuration.run_origin import Origin
from lightning_module.evaluation.score import DEFAULT_SCORE
from lightning_module.optimisation import adam_with_schedule, relaid_cycle
from run import main
from tests.runs import assert_same_weights, copied, fit, history

STOPPING = """
trainer:
  callbacks:
    - {class_path: pytorch_lightning.callbacks.EarlyStopping,
       init_args: {monitor: val/nme/mean, min_delta: 100.0, patience: PATIENCE}}
    - {class_path: pytorch_lightning.callbacks.ModelCheckpoint,
       init_args: {monitor: val/nme/mean, filename: "mine-{epoch}"}}
"""


class Rates(Callback):
    """Notes the learning rate of each step."""

    def __init__(self):
        self.seen = []

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.seen.append(trainer.optimizers[0].param_groups[0]["lr"])


def _steps(run, name):
    return sorted(step for figure, step in history(run) if figure == name)


def _optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1e-3)


def _one_cycle(steps):
    (_,), (config,) = adam_with_schedule([torch.nn.Parameter(torch.zeros(1))], 1e-3, "one_cycle", 20, steps, False)
    return config["scheduler"]


def _rates(cycle, steps):
    rates = []
    for _ in range(steps):
        rates.append(cycle.optimizer.param_groups[0]["lr"])
        cycle.optimizer.step()
        cycle.step()
    return rates


@pytest.fixture(scope="module")
def finished(faces, model_file, tmp_path_factory):
    """A complete one-cycle fit of six steps, whose epochs are fewer than those between two validations."""
    options = ["--model.lr_schedule=one_cycle", "--trainer.max_epochs=2", "--trainer.check_val_every_n_epoch=4"]
    return fit(faces, model_file, tmp_path_factory.mktemp("finished"), *options)


@pytest.fixture(scope="module")
def stopped(faces, model_file, tmp_path_factory):
    """A fit that EarlyStopping ended after two of its six epochs, beside a second checkpoint of the same figure."""
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "stop.yaml").write_text(STOPPING.replace("PATIENCE", "1"), encoding="utf-8")
    return fit(faces, model_file, folder, f"--config={folder / 'stop.yaml'}", "--trainer.max_epochs=6")


def test_the_last_epoch_is_validated_whatever_the_interval(finished):
    assert _steps(finished, "train/loss") == [2, 5]
    assert _steps(finished, "val/nme/mean") == [5]
    assert read_progress(finished.best_checkpoint).epoch == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "validated", "trained"),
    [
        (["check_val_every_n_epoch=2", "max_epochs=3"], [5, 8], [2, 5, 8]),
        (["check_val_every_n_epoch=2", "max_steps=4"], [3], [2, 3]),
        (["val_check_interval=2"], [1, 4, 5], [2, 5]),
        (["check_val_every_n_epoch=null", "val_check_interval=4"], [3, 5], [2, 5]),
    ],
)
def test_the_last_network_is_validated_however_the_fit_ends(options, validated, trained, faces, model_file, tmp_path):
    run = fit(faces, model_file, tmp_path, *(f"--trainer.{option}" for option in options))
    assert _steps(run, "val/nme/mean") == validated
    assert _steps(run, "train/loss") == trained


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (["--trainer.max_epochs=4"], 12),
        pytest.param(["--trainer.max_epochs=3", "--data.batch_size=6"], 8, marks=pytest.mark.slow),
    ],
)
def test_a_one_cycle_schedule_goes_on_as_one_of_the_new_length(options, steps, finished, tmp_path, caplog):
    run, rates = copied(finished, tmp_path), Rates()
    run_cli(["fit", f"--ckpt_path={run.last_checkpoint}", f"--tracking.folder={tmp_path}", *options], [rates])
    expected = _rates(_one_cycle(steps), steps)
    assert rates.seen == pytest.approx(expected[6:], rel=1e-6)
    assert [m for m in caplog.messages if f"had 6 steps and now has {steps}, of which 6 are done" in m]
    assert str(yaml.safe_load(run.config.read_text(encoding="utf-8"))["trainer"]["max_epochs"]) in options[0]


@pytest.mark.slow
def test_a_one_cycle_schedule_goes_on_after_a_stop_within_an_epoch(faces, model_file, tmp_path):
    short = ["--model.lr_schedule=one_cycle", "--trainer.max_epochs=4", "--trainer.max_steps=4"]
    run, rates = fit(faces, model_file, tmp_path, *short), Rates()
    more = ["--trainer.max_steps=-1", f"--tracking.folder={tmp_path}"]
    run_cli(["fit", f"--ckpt_path={run.last_checkpoint}", *more], [rates])
    assert rates.seen == pytest.approx(_rates(_one_cycle(10), 10)[4:], rel=1e-6)  # the rest of that epoch is left out


def test_a_schedule_that_is_laid_out_anew_has_the_rates_of_its_length():
    for reached, before, after in ((3, 6, 6), (3, 6, 10), (6, 6, 12), (3, 20, 8), (1, 30, 300)):
        cycle, reference = _one_cycle(before), _rates(_one_cycle(after), after)
        _rates(cycle, reached)
        assert _rates(relaid_cycle(cycle, after), after - reached) == pytest.approx(reference[reached:], rel=1e-9)


def test_a_one_cycle_schedule_of_ten_steps_has_no_rise():
    with pytest.raises(ZeroDivisionError):  # of torch itself
        OneCycleLR(_optimizer(), 1e-3, total_steps=10, pct_start=0.1, cycle_momentum=False)
    rates = _rates(_one_cycle(10), 10)
    assert rates[0] == pytest.approx(1e-3)
    assert rates == sorted(rates, reverse=True)


def test_a_continuation_that_is_refused_changes_nothing(finished, tmp_path):
    run = copied(finished, tmp_path)
    before = {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()}
    arguments = ["fit", f"--ckpt_path={run.last_checkpoint}", f"--tracking.folder={tmp_path}", "--trainer.max_epochs=4"]
    with pytest.raises(InputError, match="limit_train_batches"):
        main([*arguments, "--trainer.limit_train_batches=7.5"])
    assert {path.name: path.read_bytes() for path in run.path.iterdir() if path.is_file()} == before
    assert not run.is_busy()


def test_a_users_own_checkpoint_of_the_same_figure_stands_beside_the_best(stopped):
    assert [path.name for path in (stopped.path / "checkpoints").iterdir()] == ["mine-epoch=1.ckpt"]
    assert read_progress(stopped.best_checkpoint).epoch == 2


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"max_steps": 4}, "has made all of its 4 steps"),
        ({"should_stop": True}, "has used up its --trainer.max_time, so nothing was trained. Raise it"),
        ({}, "has trained all of its 2 epochs"),
    ],
)
def test_a_fit_that_is_complete_says_why(limits, reason, stopped, caplog):
    complete = {"is_global_zero": True, "max_epochs": 2, "max_steps": -1, "global_step": 4, "should_stop": False}
    origin = Origin("ckpt_path", stopped.last_checkpoint, stopped, True, {})
    ContinuedFit(origin).on_fit_end(SimpleNamespace(**(complete | limits)), None)
    assert [message for message in caplog.messages if f"last.ckpt: {reason}" in message]


def test_the_best_score_of_a_run_of_an_earlier_version_is_taken_over(stopped):
    best = BestCheckpoint(stopped, DEFAULT_SCORE)
    state = torch.load(stopped.last_checkpoint, weights_only=True)["callbacks"][best.state_key]
    earlier = ModelCheckpoint(stopped.path, "best", monitor="val/nme/mean").state_key
    checkpoint = {"callbacks": {earlier: state}}
    best.on_load_checkpoint(None, None, checkpoint)
    assert checkpoint == {"callbacks": {best.state_key: state}}


def test_a_fit_that_early_stopping_has_ended_stays_ended_and_says_so(stopped, tmp_path, caplog):
    assert _steps(stopped, "train/loss") == [2, 5]
    run = copied(stopped, tmp_path)
    config = run.config.read_bytes()
    main(["fit", f"--ckpt_path={run.last_checkpoint}", f"--tracking.folder={tmp_path}"])
    (line,) = [message for message in caplog.messages if "EarlyStopping" in message]
    assert line.endswith("of val/nme/mean, so nothing was trained. Raise its patience to go on.")
    assert_same_weights(run, stopped)
    assert run.config.read_bytes() == config


@pytest.mark.slow
def test_a_raised_patience_lets_a_stopped_fit_go_on(stopped, tmp_path):
    run = copied(stopped, tmp_path)
    (tmp_path / "patient.yaml").write_text(STOPPING.replace("PATIENCE", "3"), encoding="utf-8")
    patient = f"--config={tmp_path / 'patient.yaml'}"
    main(["fit", patient, f"--ckpt_path={run.last_checkpoint}", f"--tracking.folder={tmp_path}"])
    assert _steps(run, "train/loss") == [2, 5, 8, 11]
