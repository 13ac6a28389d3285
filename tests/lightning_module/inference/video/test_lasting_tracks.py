from dataclasses import dataclass

from lightning_module.inference.video.lasting_tracks import LEAST_FRAMES, lasting
from lightning_module.inference.video.track_smoothing import TrackedFrame


@dataclass(frozen=True)
class Face:
    track: int


def _kept(tracks):
    """The numbers of the faces that are kept, from the numbers of those that were followed in each frame."""
    frames = [TrackedFrame(number, [Face(track) for track in each]) for number, each in enumerate(tracks)]
    result = list(lasting(iter(frames)))
    assert [frame for frame, _ in result] == list(range(len(tracks)))
    return [[face.track for face in faces] for _, faces in result]


def test_a_face_that_is_followed_for_a_moment_is_left_out():
    assert _kept([[1, 2]] * (LEAST_FRAMES - 1) + [[1]] * 6) == [[1]] * (LEAST_FRAMES + 5)
    assert _kept([[1, 2]] * LEAST_FRAMES + [[1]] * 6) == [[1, 2]] * LEAST_FRAMES + [[1]] * 6


def test_the_others_are_numbered_in_the_order_in_which_they_appear():
    assert _kept([[1, 2]] + [[2, 7]] * 9) == [[1]] + [[1, 2]] * 9


def test_a_face_that_is_lost_for_some_frames_is_one_face():
    tracks = [[1]] * 3 + [[]] * 4 + [[1]] * 3 + [[]] * 8
    assert _kept(tracks)[7:10] == [[1]] * 3


def test_short_videos_and_faces_at_the_end_lose_nothing():
    for count in (1, 2, LEAST_FRAMES - 1, LEAST_FRAMES):
        assert _kept([[1]] * count) == [[1]] * count
    assert _kept([[1]] * 9 + [[1, 2]] * 2) == [[1]] * 9 + [[1, 2]] * 2
    assert _kept([]) == []


def test_memory_does_not_grow_with_the_video():
    taken = []

    def frames():
        for number in range(100):
            taken.append(number)
            yield TrackedFrame(number, [Face(1)])

    for number, _ in enumerate(lasting(frames())):
        assert len(taken) - number <= LEAST_FRAMES
