"""The rank of a process: that of its launcher, and 0 where none has started it."""

import os

import pytest
from lightning_utilities.core.rank_zero import rank_zero_only

from datamodules.errors import InputError
from lightning_module.process_rank import rank, require_processes, settle_rank
from run import main
from tests.runs import TINY, fit_arguments, mlflow_run

TORCHRUN = {"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4", "TORCHELASTIC_RUN_ID": "x"}
LIGHTNING = {"LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
SRUN = {"SLURM_PROCID": "2", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"}
VARIABLES = ("NODE_RANK", "JSM_NAMESPACE_RANK", "SLURM_JOB_NAME", *TORCHRUN, *LIGHTNING, *SRUN)


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No launcher, and whatever a test sets is taken back."""
    monkeypatch.setattr(rank_zero_only, "rank", 0, raising=False)
    for name in VARIABLES:
        monkeypatch.setenv(name, "0")  # so that it is restored though it is deleted by what is tested
        monkeypatch.delenv(name)


def _set(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (TORCHRUN, 3),
        (LIGHTNING, 1),
        (SRUN, 2),
        ({"NODE_RANK": "1", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29500"}, 1),
        ({}, 0),
        ({"RANK": "1"}, 0),
        ({"RANK": "1", "WORLD_SIZE": "2"}, 0),
        ({"RANK": "one"}, 0),
        ({"LOCAL_RANK": "1"}, 0),
        ({"SLURM_PROCID": "1"}, 0),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "1"}, 0),
        (SRUN | {"SLURM_JOB_NAME": "interactive"}, 0),
        ({"JSM_NAMESPACE_RANK": "1"}, 0),
    ],
)
def test_a_rank_counts_only_where_a_launcher_has_set_it(variables, expected, monkeypatch, caplog):
    rank_zero_only.rank = 5  # as Lightning finds it when it is imported
    _set(monkeypatch, variables)
    settle_rank(is_distributed=True)
    assert rank() == expected
    left = {name: os.environ.get(name) for name in variables}
    if expected:
        assert left == variables
        assert not caplog.messages
    elif variables:
        (line,) = caplog.messages
        name, _, _ = line.partition(" is ")
        assert f"{name} is {variables[name]}, but no launcher" in line
        assert left[name] is None


@pytest.mark.parametrize("variables", [TORCHRUN, LIGHTNING, SRUN, {"RANK": "1"}])
def test_commands_other_than_trainings_are_alone_and_so_are_the_processes_that_they_start(
    variables, monkeypatch, caplog
):
    _set(monkeypatch, variables)
    settle_rank(is_distributed=False)
    assert rank() == 0
    assert not {"RANK", "LOCAL_RANK", "SLURM_PROCID", "SLURM_NTASKS"} & os.environ.keys()
    assert not caplog.messages


@pytest.mark.parametrize("variables", [TORCHRUN, LIGHTNING, SRUN])
def test_a_launcher_that_has_started_another_number_of_processes_is_named(variables, monkeypatch):
    _set(monkeypatch, variables)
    number = int(variables.get("WORLD_SIZE") or variables["SLURM_NTASKS"])
    require_processes(number)
    with pytest.raises(InputError, match=rf"(WORLD_SIZE|SLURM_NTASKS) is {number}, but this command uses 1 of these"):
        require_processes(1)


def test_a_rank_of_a_launcher_that_is_no_number_is_named(monkeypatch):
    _set(monkeypatch, SRUN | {"SLURM_PROCID": "second"})
    with pytest.raises(InputError, match="SLURM_PROCID is 'second': give a whole number, or unset it"):
        settle_rank(is_distributed=True)


def test_a_fit_under_a_rank_of_nobody_leaves_its_run_and_its_table(faces, model_file, tmp_path, monkeypatch, capsys):
    _set(monkeypatch, {"RANK": "1", "SLURM_PROCID": "1"})
    rank_zero_only.rank = 1
    run = main(fit_arguments(faces, model_file, tmp_path, "--trainer.max_epochs=1")).folder
    assert mlflow_run(run).info.status == "FINISHED"
    assert "validation on faces, epoch 1 of 1" in capsys.readouterr().out


@pytest.mark.slow
def test_a_fit_in_one_process_of_several_that_were_started_is_refused(faces, model_file, tmp_path, monkeypatch):
    _set(monkeypatch, SRUN | {"SLURM_NTASKS_PER_NODE": "4", "SLURM_LOCALID": "2", "SLURM_NODEID": "0"})
    assert "--trainer.accelerator=cpu" in TINY
    with pytest.raises(InputError, match=r"SLURM_NTASKS is 4, but this command uses 1.*unset SLURM_PROCID") as caught:
        main(fit_arguments(faces, model_file, tmp_path))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("runs/*"))
