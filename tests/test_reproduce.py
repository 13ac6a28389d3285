"""From stand-ins of the downloads to the paper's page, also where the command is killed on the way."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmarks.prnet_numbers import random_weights, split_statistics
from datamodules.errors import InputError
from datamodules.files.bfm import read_morphable_model
from datamodules.geometry.uv_layout import make_uv_layout
from lightning_module.reproduction.inventory import WEIGHTS
from lightning_module.tracking.run_folder import run_folders
from run import main
from tests.fakes import fake_model
from tests.pictures import drawn
from tests.raw_models import KEPT, raw_sheet, write_raw
from tests.runs import PROJECT, assert_same_weights, history
from tests.stand_in_downloads import write_downloads
from tests.tensor_bundles import write_bundle

SECONDS = 600  # that the whole may take on two cores


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return write_downloads(tmp_path_factory.mktemp("downloads"), tmp_path_factory.mktemp("scratch"))


def arguments(downloads, out):
    return ["reproduce", f"--downloads={downloads}", f"--out={out}", "--budget=smoke"]


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(downloads, tmp_path, capsys):
    assert main([*arguments(downloads, tmp_path / "out"), "--ratios", "16:4:4:3:0", "--seeds=2", "--dry_run"]) is None
    assert not list(tmp_path.glob("out*"))
    shown = " ".join(capsys.readouterr().out.split())
    for part in (
        "300W-LP.zip/300W_LP",
        "unpack all of AFLW2000-3D, to test on",
        "train 16:5:4:3:0 from seed 0",
        "train 16:4:4:3:0 from seed 1",
        "9 of 9 steps to do",
        "Left out: PRNet",
        "ms an image",
        "free.",
    ):
        assert part in shown


@pytest.fixture(scope="module")
def whole(downloads, tmp_path_factory):
    """A reproduction that nothing has interrupted."""
    out = tmp_path_factory.mktemp("whole") / "out"
    with drawn():
        assert main(arguments(downloads, out)) == out / "paper.html"
    return out


def test_an_out_that_is_a_file_is_refused_before_anything_is_read(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(InputError, match="out: is a file"):
        main(["reproduce", f"--downloads={tmp_path}", f"--out={tmp_path / 'out'}"])


@pytest.mark.slow
def test_the_page_has_all_tables_and_figures_and_needs_no_other_file(whole):
    page = (whole / "paper.html").read_text(encoding="utf-8")
    for part in ("Table 1", "Table 2", "Figure 7", "Figure 8", "Figures 6 and 9", "Florence", "PRNet"):
        assert part in page
    assert page.count("data:image/png;base64,") == 3
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert "These figures are no results" in page
    assert "Shi et al." not in page  # published figures stand only beside all of AFLW2000-3D
    text = (whole / "paper.md").read_text(encoding="utf-8")
    for run in run_folders(whole / "tracking" / "runs"):
        assert run.key in text
    assert len(re.findall(r"!\[.*\]\((pictures/\w+\.png)\)", text)) == 3
    assert all(path.stat().st_size > 10_000 for path in (whole / "pictures").glob("*.png"))


@pytest.mark.slow
def test_the_same_command_again_does_nothing_but_the_page(whole, downloads):
    runs = set((whole / "tracking" / "runs").iterdir())
    (whole / "paper.html").unlink()
    start = time.monotonic()
    with drawn():
        main(arguments(downloads, whole))
    assert time.monotonic() - start < 60
    assert (whole / "paper.html").is_file()
    assert set((whole / "tracking" / "runs").iterdir()) == runs


@pytest.mark.slow
def test_the_raw_files_of_the_face_model_become_the_model_of_the_trainings(downloads, whole, tmp_path):
    raw = tmp_path / "raw"
    write_raw(raw, raw_sheet())
    for name in ("300W-LP.zip", "AFLW2000-3D.zip"):
        os.link(downloads / name, raw / name)
    with zipfile.ZipFile(raw / "BaselFaceModel.zip", "w") as archive:
        archive.write(raw / "01_MorphableModel.mat", "PublicMM1/01_MorphableModel.mat")
    (raw / "01_MorphableModel.mat").unlink()
    with drawn():
        main(arguments(raw, tmp_path / "out"))
    model = read_morphable_model(tmp_path / "out" / "model" / "BFM.mat")
    assert model.identity_basis.shape == (KEPT, 3, 199)
    # a finer sheet of the same form: nearly the same figures
    errors = [history(next(run_folders(folder / "tracking" / "runs"))) for folder in (tmp_path / "out", whole)]
    own, other = ({name: value for (name, _), value in own.items() if name == "test/nme/mean"} for own in errors)
    assert own == pytest.approx(other, rel=0.1)


@pytest.mark.slow
def test_prnet_is_imported_and_tested_on_the_same_faces(downloads, whole, tmp_path):
    more, out = shutil.copytree(downloads, tmp_path / "downloads"), shutil.copytree(whole, tmp_path / "out")
    with np.load(PROJECT / "tests" / "fixtures" / "prnet_maps.npz") as archive:
        write_bundle(tmp_path / WEIGHTS, random_weights() | split_statistics(archive["statistics"]))
    rows, columns = make_uv_layout(fake_model()).landmark_texels[:68].T
    np.savetxt(tmp_path / "uv_kpt_ind.txt", [columns, rows], fmt="%.6e")
    with zipfile.ZipFile(more / "PRNet-master.zip", "w") as zipped:
        for name in (f"{WEIGHTS}.index", f"{WEIGHTS}.data-00000-of-00001", "uv_kpt_ind.txt"):
            zipped.write(tmp_path / name, f"PRNet-master/Data/{name}")
    main(arguments(more, out))
    text = (out / "paper.md").read_text(encoding="utf-8")
    row = re.search(r"^\| PRNet +\|(.*)$", text, re.MULTILINE)
    assert "test-prnet.ckpt" in row[1]
    assert float(row[1].split("|")[3]) > 10  # of random weights
    assert "PRNet, since the downloads lack" not in text
    assert "python run.py import-prnet" in text
    assert len(list(run_folders(out / "tracking" / "runs"))) == 3


@pytest.mark.slow
def test_real_samples_go_the_whole_way(real, tmp_path):
    folder = write_downloads(tmp_path / "downloads", tmp_path / "scratch", photographs=2, test_faces=2)
    shutil.rmtree(folder / "model")
    shutil.copytree(real / "bfm", folder / "model")
    with zipfile.ZipFile(folder / "300W-LP.zip", "a") as archive:
        for path in sorted((real / "300wlp").iterdir()):
            archive.write(path, f"300W_LP/{path.name.partition('_')[0]}/{path.name}")
    with zipfile.ZipFile(folder / "AFLW2000-3D.zip", "w") as archive:
        for path in sorted((real / "aflw2000").iterdir()):
            archive.write(path, f"AFLW2000/{path.name}")
    with drawn():
        main(arguments(folder, tmp_path / "out"))
    text = (tmp_path / "out" / "paper.md").read_text(encoding="utf-8")
    assert "AFLW2000-3D with 10 faces, is not the whole of AFLW2000-3D" in text
    assert "Shi et al." not in text


def killed_when(command, is_time, log):
    """Runs a command until something is there, and kills it with its workers."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=output, stderr=output, start_new_session=True)
    deadline = time.monotonic() + SECONDS / 3
    while not is_time():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_a_reproduction_that_is_killed_twice_ends_as_one_that_is_not(whole, downloads, tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, "run.py", *arguments(downloads, out)]
    start = time.monotonic()
    # in the middle of unpacking, or just after it; and in the middle of the first training
    killed_when(command, lambda: any((out / "data").glob("*training*")), log)
    killed_when(command, lambda: any((out / "tracking").glob("runs/*/best.ckpt")), log)
    assert not (out / "paper.html").exists()
    assert not (out / "steps" / "fit-16-5-4-3-0-s0.json").exists()
    subprocess.run(command, cwd=PROJECT, stdout=log.open("ab"), stderr=subprocess.STDOUT, check=True)
    assert time.monotonic() - start < SECONDS
    assert not list((out / "data").glob(".*"))
    ours, theirs = (list(run_folders(folder / "tracking" / "runs")) for folder in (out, whole))
    assert len(ours) == len(theirs) == 2  # a training that went on is one run
    for one, other in zip(ours, theirs, strict=True):
        assert_same_weights(one, other)
        figures = {name: value for name, value in history(one).items() if name[0].startswith("test/nme")}
        assert figures == {name: value for name, value in history(other).items() if name[0].startswith("test/nme")}
    assert _without_keys(out) == _without_keys(whole)


def _without_keys(out: Path) -> list[str]:
    """The lines of a page, without the keys of runs and the width of tables, which follows them."""
    text = (out / "paper.md").read_text(encoding="utf-8").replace(str(out), "OUT")
    return re.sub(r"-{2,}|\s+", " ", re.sub(r"\d{8}-\d{6}-[\w-]+", "KEY", text)).split("##")
