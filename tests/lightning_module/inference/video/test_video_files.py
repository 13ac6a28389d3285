import logging
import shutil

import cv2
import numpy as np
import pytest

from benchmarks.screenshots import opened
from datamodules.errors import InputError
from datamodules.files.images import write_png
from lightning_module.inference.video.face_tracks import FaceTracker
from lightning_module.inference.video.track_table import ROW
from lightning_module.inference.video.video_faces import write_video_faces
from lightning_module.inference.video.video_frames import ImageSequence, VideoFile
from tests.lightning_module.inference.video.moving_faces import FPS, SIZE, MovingFaces

COUNT = 30


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip whose frames grow brighter, at 25 frames per second."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), FPS, (SIZE, SIZE))
    for number in range(COUNT):
        writer.write(np.full((SIZE, SIZE, 3), 5 * number + 20, np.uint8))
    writer.release()
    return path


def test_frames_come_in_order_with_their_times(clip):
    video = VideoFile(clip)
    assert (video.fps, video.count) == (FPS, COUNT)
    frames = list(video)
    assert [frame.number for frame in frames] == list(range(COUNT))
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(COUNT) / FPS, atol=1e-3)
    brightness = [float(frame.image.mean()) for frame in frames]
    assert np.diff(brightness).min() > 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"no video at all" * 100, "is no video"),
        (None, "cannot be read .No such file"),
    ],
)
def test_a_file_that_is_no_video_is_one_line(tmp_path, capfd, content, message):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        VideoFile(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_file_that_was_cut_is_used_up_to_the_cut(clip, tmp_path, caplog):
    webm = tmp_path / "clip.webm"
    writer = cv2.VideoWriter(str(webm), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"VP90"), FPS, (SIZE, SIZE))
    rng = np.random.default_rng(0)
    for _ in range(COUNT):
        writer.write(rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8))
    writer.release()
    data = webm.read_bytes()
    webm.write_bytes(data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        count = len(list(VideoFile(webm)))
    assert 5 < count < COUNT
    assert f"can be read up to frame {count} of {COUNT} only" in caplog.text


def test_photographs_are_the_frames_of_a_sequence(tmp_path):
    paths = [tmp_path / f"{number:03}.png" for number in range(3)]
    for number, path in enumerate(paths):
        write_png(path, np.full((20, 30, 3), 40 * number, np.uint8))
    frames = list(ImageSequence(paths, 10.0))
    assert [frame.time_s for frame in frames] == [0.0, 0.1, 0.2]
    assert [int(frame.image.max()) for frame in frames] == [0, 40, 80]


@pytest.fixture
def written(made_once, tmp_path):
    """A face that moves, is away for ten frames, and comes back; and the files of it."""
    (_, data, maps, _), _, _ = made_once
    scene = MovingFaces(
        data, maps[1], [[(60 + number, 100) if not 20 <= number < 30 else None] for number in range(60)]
    )
    scene.path, scene.fps, scene.count = tmp_path / "scene", FPS, 60
    tracker = FaceTracker(scene.find, scene.reconstruct, 0.5)
    return tmp_path, write_video_faces(scene, tracker, tmp_path, "scene", is_smoothed=True)


def test_the_table_is_the_same_as_csv_and_as_npz(written):
    folder, made = written
    with np.load(folder / "scene.npz", allow_pickle=False) as file:
        rows = {name: file[name] for name in file}
    assert set(rows) == set(ROW.names)
    count = len(rows["frame"])
    assert 47 <= count <= 50
    assert (made.frames, made.frames_with_faces, made.faces) == (60, count, 1)
    header, *lines = (folder / "scene.csv").read_text(encoding="utf-8").splitlines()
    table = np.array([[float(number) for number in line.split(",")] for line in lines])
    columns = header.split(",")
    assert table.shape == (count, len(columns)) == (count, 10 + 3 * 68)
    np.testing.assert_array_equal(table[:, 0], rows["frame"])
    np.testing.assert_allclose(table[:, columns.index("yaw_deg")], rows["pose_deg"][:, 1], atol=1e-3)
    np.testing.assert_allclose(table[:, 10:].reshape(count, 68, 3), rows["landmarks_px"], atol=1e-3)
    np.testing.assert_allclose(np.diff(rows["landmarks_px"][:15, :, 0], axis=0), 1.0, atol=1e-3)  # one pixel a frame


def test_the_overlay_has_all_frames_and_the_points(written, capfd):
    folder, _ = written
    assert "FFMPEG" not in capfd.readouterr().err
    frames = [frame.image for frame in VideoFile(folder / "scene.webm")]
    assert len(frames) == 60
    coloured = [int((np.ptp(frame.astype(int), axis=2) > 60).sum()) for frame in frames]
    assert min(coloured[:18]) > 50
    assert max(coloured[21:29]) == 0


def _wait(page, condition):
    """Waits until the page fulfils a condition; its content policy forbids Playwright's own way."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


@pytest.mark.slow
def test_a_browser_plays_the_overlay_and_its_slider_goes_to_a_frame(written):
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs Chromium (apt-get install chromium)")
    _, made = written
    asked, faults = [], []
    with opened() as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(made.page.as_uri())
        _wait(page, "document.getElementById('video').readyState >= 2")
        assert page.evaluate("document.getElementById('video').videoWidth") == SIZE
        page.locator("#slider").fill("45")
        assert page.evaluate("document.getElementById('video').currentTime") == pytest.approx(45 / FPS, abs=1 / FPS)
        assert "frame 45 of 60" in page.inner_text("#place")
        assert "Face 1: pitch" in page.inner_text("#faces")
        page.locator("#slider").fill("25")
        assert "not in this frame" in page.inner_text("#faces")
        page.click("#play")
        _wait(page, "document.getElementById('slider').value > 28")
    assert not faults
    assert all(address.startswith("file:") for address in asked)


def test_a_video_that_fails_leaves_no_file(made_once, tmp_path):
    (_, data, maps, _), _, _ = made_once
    scene = MovingFaces(data, maps[1], [[(100, 100)]] * 10)

    def frames():
        for frame in scene:
            if frame.number == 5:
                raise InputError("frame 5: is damaged")
            yield frame

    video = type("Video", (), {"path": tmp_path / "x", "fps": FPS, "count": 10, "__iter__": lambda self: frames()})()
    with pytest.raises(InputError, match="frame 5"):
        write_video_faces(video, FaceTracker(scene.find, scene.reconstruct, 0.5), tmp_path, "x", False)
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_the_user_stops_is_complete_up_to_there(made_once, tmp_path):
    (_, data, maps, _), _, _ = made_once
    scene = MovingFaces(data, maps[1], [[(100, 100)]] * 10)

    def frames():
        for frame in scene:
            if frame.number == 6:
                raise KeyboardInterrupt
            yield frame

    video = type("Video", (), {"path": tmp_path / "x", "fps": FPS, "count": 10, "__iter__": lambda self: frames()})()
    made = write_video_faces(video, FaceTracker(scene.find, scene.reconstruct, 0.5), tmp_path, "x", True)
    assert made.is_stopped
    assert made.frames == 6
    assert len(list(VideoFile(tmp_path / "x.webm"))) == 6
    assert {path.name for path in tmp_path.iterdir()} == {"x.webm", "x.csv", "x.npz", "x.html"}
