"""Faces that move over a plain picture, and a detector and a network that know where they are."""

import numpy as np

from lightning_module.inference.detection import DetectedFace
from lightning_module.inference.face import Face
from lightning_module.inference.video.video_frames import Frame
from tests.lightning_module.inference.truth import map_layout

FPS = 25.0
SIZE = 200  # pixels of a picture
SIDE = 60.0  # of a crop


class MovingFaces:
    """A scene: for each frame, the centres of its faces. Confidence is high where a crop is near a face.

    Args:
        data: The data module that the map of a face comes from.
        position_map: (256, 256, 3) map of that face.
        centres: For each frame, x and y of each face, or None while it is hidden.
    """

    def __init__(self, data, position_map, centres):
        self.layout = map_layout(data)
        self._map = position_map
        self._centres = centres
        self._number = 0
        self.searches = []

    def __iter__(self):
        for number in range(len(self._centres)):
            self._number = number
            yield Frame(number, number / FPS, np.full((SIZE, SIZE, 3), 90, np.uint8))

    def find(self, image):
        self.searches.append(self._number)
        return [self._detected(centre) for centre in self._shown()]

    def reconstruct(self, image, detections):
        return [self._face(image, place) for place in detections]

    def _face(self, image, place):
        near = [centre for centre in self._shown() if np.linalg.norm(place.crop[:2] - centre) < SIDE / 3]
        crop = self._detected(near[0]).crop if near else place.crop
        return Face.of_map(self._map, crop, self.layout, image, place, confidence=0.9 if near else 0.1)

    def _shown(self):
        return [np.array(centre, float) for centre in self._centres[self._number] if centre is not None]

    def _detected(self, centre):
        box = np.concatenate([centre - SIDE / 3, centre + SIDE / 3])
        return DetectedFace(box, np.array([*centre, SIDE]), "truth", confidence=0.9)
