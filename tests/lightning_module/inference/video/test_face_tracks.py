import numpy as np
import pytest

from lightning_module.inference.video.face_tracks import FaceTracker
from lightning_module.inference.video.track_smoothing import LAG_FRAMES, TrackedFrame, smoothed
from tests.lightning_module.inference.video.moving_faces import FPS, MovingFaces


@pytest.fixture
def scene(made_once):
    (_, data, maps, _), _, _ = made_once
    return lambda centres: MovingFaces(data, maps[1], centres)


def _followed(scene):
    tracker = FaceTracker(scene.find, scene.reconstruct, 0.5)
    return [TrackedFrame(frame, tracker.faces(frame)) for frame in scene]


def _numbers(frames):
    return [[face.track for face in faces] for _, faces in frames]


def test_a_moving_face_keeps_its_number_and_is_searched_for_once_a_second(scene):
    moving = scene([[(60 + 2 * number, 100)] for number in range(40)])
    assert _numbers(_followed(moving)) == [[1]] * 40
    assert moving.searches == [0, 25]


def test_a_face_that_was_hidden_for_a_moment_gets_its_number_back(scene):
    hidden = scene([[(100, 100) if not 10 <= number < 20 else None] for number in range(40)])
    numbers = _numbers(_followed(hidden))
    assert numbers[:10] == [[1]] * 10
    assert numbers[10:20] == [[]] * 10
    back = numbers.index([1], 10)
    assert back - 20 <= 0.5 * FPS
    assert numbers[back:] == [[1]] * (40 - back)


def test_without_any_face_searches_become_rare(scene):
    empty = scene([[]] * 100)
    assert _numbers(_followed(empty)) == [[]] * 100
    assert len(empty.searches) <= 8
    assert max(np.diff(empty.searches)) <= FPS


def test_a_newcomer_is_found_within_a_second(scene):
    two = scene([[(50, 100), (150, 100) if number >= 5 else None] for number in range(40)])
    numbers = _numbers(_followed(two))
    assert numbers.index([1, 2]) <= 1 + FPS
    assert numbers[-1] == [1, 2]


@pytest.mark.slow
def test_of_two_people_who_cross_none_is_counted_twice(scene):
    crossing = scene([[(50 + 3 * number, 100), (150 - 3 * number, 104)] for number in range(34)])
    frames = _followed(crossing)
    assert all(len(faces) <= 2 for _, faces in frames)
    for _, faces in frames:
        if len(faces) == 2:  # not the same face twice
            assert np.linalg.norm(faces[0].box_px - faces[1].box_px) > 10
    assert len(frames[-1].faces) == 2


@pytest.mark.slow
def test_smoothing_halves_jitter_and_does_not_delay_a_steady_motion(scene):
    noise = np.random.default_rng(0).normal(0, 1.0, (60, 2))
    steady = np.column_stack([60 + np.arange(60), np.full(60, 100.0)])
    shaking = _followed(scene([[tuple(place)] for place in steady + noise]))
    smooth = list(smoothed(iter(shaking)))
    assert [frame.number for frame, _ in smooth] == list(range(60))

    def errors(frames):
        places = np.array([faces[0].face.landmarks[:, :2].mean(axis=0) for _, faces in frames])
        return (places - places.mean(axis=0)) - (steady - steady.mean(axis=0))

    before, after = errors(shaking), errors(smooth)
    inner = slice(LAG_FRAMES, -LAG_FRAMES)
    assert after[inner].std() < 0.55 * before[inner].std()
    assert np.diff(after[inner], axis=0).std() < 0.35 * np.diff(before[inner], axis=0).std()
    assert LAG_FRAMES == 2


@pytest.mark.slow
def test_smoothing_returns_all_frames_of_short_videos_and_of_tracks_with_gaps(scene):
    for count in (1, 2, 3, 6):
        frames = _followed(scene([[(100, 100)]] * count))
        assert [len(faces) for _, faces in smoothed(iter(frames))] == [1] * count
    hidden = _followed(scene([[(100, 100) if number % 7 else None] for number in range(30)]))
    smooth = list(smoothed(iter(hidden)))
    assert _numbers(smooth) == _numbers(hidden)
    for (_, faces), (_, others) in zip(smooth, hidden, strict=True):
        for face, other in zip(faces, others, strict=True):
            np.testing.assert_allclose(face.face.map_px, other.face.map_px, atol=1e-6)
