"""`run.py predict` on photographs, as a person uses it."""

import json

import numpy as np
import pytest
import skimage.data
from PIL import Image

from datamodules.errors import InputError
from run import main
from tests.runs import fit


@pytest.fixture(scope="module")
def checkpoint(faces, model_file, tmp_path_factory):
    return fit(faces, model_file, tmp_path_factory.mktemp("predict"), "--trainer.max_epochs=1").best_checkpoint


def _predict(checkpoint, out, *photos, more=("--detector=scikit-image", "--texture_size=128", "--min_confidence=0")):
    return main(["predict", *map(str, photos), f"--ckpt_path={checkpoint}", f"--out={out}", *more])


@pytest.fixture
def astronaut(tmp_path):
    path = tmp_path / "album" / "astro naut.jpg"
    path.parent.mkdir()
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


def test_a_mixed_batch_gives_every_face_that_it_holds(checkpoint, astronaut, tmp_path, caplog, capsys):
    whole = Image.open(astronaut)
    whole.convert("L").save(tmp_path / "album" / "grey.png")
    whole.convert("CMYK").save(tmp_path / "album" / "print.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    whole.rotate(90, expand=True).save(tmp_path / "album" / "turned.jpg", exif=exif)
    (tmp_path / "album" / "empty.jpg").write_bytes(b"")
    (tmp_path / "note.txt").write_text("no image")
    Image.fromarray(np.full((90, 90, 3), 128, np.uint8)).save(tmp_path / "album" / "wall.png")
    done = _predict(checkpoint, tmp_path / "out", tmp_path / "album", tmp_path / "note.txt")
    assert done.faces == ["astro_naut", "grey", "print", "turned"]
    assert len(done.faults) == 2
    for said in (
        "Left out of 7 photographs",
        "empty.jpg: is no image",
        "note.txt: is no image",
        "No face was found in",
    ):
        assert said in caplog.text
    assert "4 faces of 7 photographs" in capsys.readouterr().out
    records = [json.loads((tmp_path / "out" / f"{name}.json").read_text()) for name in done.faces]
    first = np.array(records[0]["box_px"])
    for record in records:
        assert record["found_by"] == "scikit-image"
        assert 0 <= record["confidence"] <= 1
        assert np.abs(np.array(record["box_px"]) - first).max() < 15  # the same face of the same upright photograph
    page = (tmp_path / "out" / "index.html").read_text()
    assert all(f'"{name}"' in page for name in done.faces)
    assert "http:" not in page
    assert "https:" not in page


def test_boxes_take_the_place_of_a_detector(checkpoint, astronaut, tmp_path, caplog):
    (tmp_path / "boxes.json").write_text(
        '{"astro naut.jpg": [[180, 80, 270, 170], [100, 60, 200, 200]], "other.jpg": [1, 2, 3, 4]}'
    )
    done = _predict(checkpoint, tmp_path / "out", astronaut, more=[f"--boxes={tmp_path / 'boxes.json'}", "--passes=1"])
    assert done.faces == ["astro_naut_1", "astro_naut_2"]
    said = json.loads((tmp_path / "out" / "astro_naut_1.json").read_text())
    assert said["crop"] == {"centre_px": [225.0, 125.0], "side_px": 135.0}
    assert "marks faces of other.jpg, which is not among the photographs" in caplog.text


@pytest.mark.parametrize(
    ("photos", "more", "said"),
    [
        (["{folder}/nothing"], [], "1 photograph could not be read"),
        ([], [], "no photograph is named"),
        (["{folder}/empty"], [], "holds no photographs"),
        (["{photo}"], ["--boxes={folder}/none.csv"], "none.csv: cannot be read"),
        (["{photo}"], ["--texture_size=100"], "texture_size is 100"),
        (["{photo}"], ["--detector=dlib"], "dlib"),
        (["{photo}"], ["--min_confidence=2"], "--min_confidence is 2: give a number from 0 to 1"),
        (
            ["{photo}"],
            ["--min_confidence=1"],
            "lower --min_confidence, which is 1.",
        ),  # of which a network of one epoch is never sure
        (["{photo}"], ["--ckpt_path={folder}/none.ckpt"], "there is no such checkpoint"),
    ],
)
def test_a_mistake_is_one_clear_line(photos, more, said, checkpoint, astronaut, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    fill = {"folder": tmp_path, "photo": astronaut}
    given = [argument.format(**fill) for argument in photos]
    with pytest.raises((InputError, SystemExit)) as error:
        main(
            [
                "predict",
                f"--ckpt_path={checkpoint}",
                f"--out={tmp_path / 'out'}",
                *given,
                "--detector=scikit-image",
                *(option.format(**fill) for option in more),
            ]
        )
    shown = str(error.value) + capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
