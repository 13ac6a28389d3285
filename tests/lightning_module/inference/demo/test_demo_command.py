"""Options of `run.py demo` that are refused, and the networks that it offers."""

import shutil
import sys
from contextlib import nullcontext

import pytest

from datamodules.errors import InputError
from lightning_module.inference.demo import demo_command
from lightning_module.inference.demo.demo_networks import DemoNetworks
from run import main


@pytest.fixture(autouse=True)
def _nothing_lasts(monkeypatch):
    """The command closes the sockets of its process for good, and changes its environment."""
    monkeypatch.setattr(demo_command, "loopback_only", nullcontext)
    monkeypatch.setattr(demo_command, "_settle_environment", lambda uploads: None)


def test_without_gradio_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.delitem(sys.modules, "lightning_module.inference.demo.demo_page", raising=False)
    with pytest.raises(InputError, match=r"^gradio is not installed\. Install it with pip install -e '\.\[demo\]'\.$"):
        main(["demo", f"--tracking.folder={tmp_path}", "--port=0"])


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (["--host=0.0.0.0"], "host"),
        (["--share=true"], "share"),
        (["--port=70000"], "--port 70000 cannot be used"),
        (["--other=a.ckpt"], "--ckpt_path"),
        (["--ckpt_path=/nowhere/a.ckpt"], "there is no such checkpoint"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, options, fault):
    with pytest.raises(InputError, match=fault) as error:
        main(["demo", f"--tracking.folder={tmp_path}", *options])
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_networks_are_offered_by_name_and_ratio(trained_run, tmp_path):
    runs = trained_run.path.parent
    shutil.copy(trained_run.best_checkpoint, tmp_path / "mine.ckpt")
    networks = DemoNetworks([str(tmp_path / "mine.ckpt")], runs, "scikit-image")
    mine, ours, run = networks.offered()
    assert mine.label == "mine.ckpt · ratio 16:5:4:3:0"
    assert ours.label == "pretrained · ratio 16:5:4:3:0"
    assert run.label.startswith("16-5-4-3-0-s0 · ratio 16:5:4:3:0 · 20")
    assert networks.load(run) is networks.load(networks.choice(run.value))
    assert [one.value for one in DemoNetworks([str(trained_run.best_checkpoint)], runs, "auto").offered()] == [
        run.value,
        ours.value,
    ]
    with pytest.raises(InputError, match="no longer there"):
        networks.choice("/etc/passwd")
    (tmp_path / "bad.ckpt").write_text("x")
    with pytest.raises(InputError, match="is no checkpoint"):
        DemoNetworks([str(tmp_path / "bad.ckpt")], runs, "auto")
