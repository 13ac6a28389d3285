"""Videos on the command line of `predict`."""

import cv2
import numpy as np
import pytest

from datamodules.errors import InputError
from datamodules.files.images import write_png
from lightning_module.inference import predict_command
from lightning_module.inference.predict_command import predict
from lightning_module.inference.reconstructor import Reconstructor
from tests.lightning_module.inference.video.moving_faces import FPS, SIZE, MovingFaces

COUNT = 8


class _Seeing:
    """A reconstructor that knows where the face of each frame is."""

    has_diverged = False
    min_confidence = 0.0

    def __init__(self, scene):
        self._scene = scene

    def load_detector(self):
        return self

    def detect(self, image):
        return self._scene.find(image)

    def for_frames(self):
        return self

    def reconstruct(self, image, detections):
        return self._scene.reconstruct(image, detections)


@pytest.fixture
def seeing(made_once, monkeypatch):
    (_, data, maps, _), _, _ = made_once
    monkeypatch.setattr(predict_command, "find_network", lambda path: path)

    def see(centres):
        reconstructor = _Seeing(MovingFaces(data, maps[1], centres))
        monkeypatch.setattr(Reconstructor, "load", lambda *_: reconstructor)

    return see


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "album" / "clip.mp4"
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, (SIZE, SIZE))
    for _ in range(COUNT):
        writer.write(np.full((SIZE, SIZE, 3), 90, np.uint8))
    writer.release()
    return path


def _made(folder):
    return {path.name for path in folder.iterdir()}


def test_a_folder_of_clips_gives_files_for_each_and_one_that_is_broken_is_named(seeing, clip, tmp_path, capsys, caplog):
    seeing([[(100, 100)]])
    (clip.parent / "other.webm").write_bytes(b"no video" * 100)
    made = predict([clip.parent], tmp_path / "a.ckpt", tmp_path / "out")
    assert _made(tmp_path / "out") == {"clip.webm", "clip.csv", "clip.npz", "clip.html"}
    assert made.videos[0].frames == COUNT
    assert f"1 face in {COUNT} of {COUNT} frames" in capsys.readouterr().out
    assert "other.webm: is no video" in caplog.text


def test_photographs_with_a_rate_are_one_video(seeing, tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(COUNT):
        write_png(folder / f"{number:03}.png", np.full((SIZE, SIZE, 3), 90, np.uint8))
    seeing([[(100, 100)]])
    predict([folder], tmp_path / "a.ckpt", tmp_path / "out", sequence_fps=10.0, smooth=True)
    with np.load(tmp_path / "out" / "frames.npz", allow_pickle=False) as table:
        np.testing.assert_allclose(table["time_s"], np.arange(COUNT) / 10, atol=1e-6)
    with pytest.raises(InputError, match="--sequence_fps is 0: give frames per second"):
        predict([folder], tmp_path / "a.ckpt", tmp_path / "out", sequence_fps=0.0)


def test_a_video_without_a_face_leaves_nothing(seeing, clip, tmp_path):
    seeing([[]])
    with pytest.raises(InputError, match="no face was found in 1 video;"):
        predict([clip], tmp_path / "a.ckpt", tmp_path / "out")
    assert not _made(tmp_path / "out")


def test_what_cannot_be_done_with_a_video_is_one_line(seeing, clip, tmp_path):
    seeing([[(100, 100)]])
    with pytest.raises(InputError, match="--boxes marks faces of photographs"):
        predict([clip], tmp_path / "a.ckpt", tmp_path / "out", boxes=tmp_path / "boxes.csv")
    with pytest.raises(InputError, match=r"clip\.mp4: lies in --out"):
        predict([clip], tmp_path / "a.ckpt", clip.parent)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"file: cannot be written .*--out"):
        predict([clip], tmp_path / "a.ckpt", tmp_path / "file")
