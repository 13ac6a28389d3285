"""Networks that see a face where a red and a green dot are, and see none where there are no dots."""

import cv2
import numpy as np

from datamodules.geometry.landmarks import OUTER_EYE_CORNERS
from lightning_module.inference.crop_maps import landmarks_image_px
from lightning_module.inference.face_check import Judged

SIDE = 240  # pixels of the photograph


def dotted(*faces):
    """A photograph with a pair of dots, eyes, for each x, y and distance between them."""
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    for x, y, apart in faces:
        for sign, colour in ((-1, (255, 0, 0)), (1, (0, 255, 0))):
            centre = (round(16 * (x + sign * apart / 2)), 16 * y)
            cv2.circle(image, centre, 16 * max(3, apart // 8), colour, -1, cv2.LINE_AA, 4)
    return image


class SeeingNetwork:
    """Puts the mean face where the dots of a crop are, or leaves it in the middle if it sees none."""

    def __init__(self, layout, is_blind=False):
        self.image_size = 64
        self.layout = layout
        self.is_blind = is_blind
        self.shown = 0

    def maps(self, crops):
        self.shown += len(crops)
        return np.stack([self._map(crop.astype(np.float64)) for crop in crops])

    def _map(self, crop):
        mean = self.layout.mean_map
        red, green = (_place(crop[..., channel] - crop[..., 1 - channel]) for channel in (0, 1))
        if self.is_blind or red is None or green is None:
            return mean
        left, right = sorted((red, green), key=lambda place: place[0])
        rows, cols = self.layout.landmark_texels[OUTER_EYE_CORNERS].T
        eyes = mean[rows, cols]
        scale = (right - left)[0] / (eyes[1] - eyes[0])[0]
        shift = (left + right) / 2 - scale * eyes[:, :2].mean(axis=0)
        return (mean * scale + [*shift, 0]).astype(np.float32)


def _place(light):
    light = np.where(light > 100, light, 0)
    if light.sum() < 300:
        return None
    rows, cols = np.mgrid[: len(light), : len(light)] * (255 / (len(light) - 1))
    return np.array([(cols * light).sum(), (rows * light).sum()]) / light.sum()


class DotCheck:
    """Takes for a face what has a dot at each outer corner of its eyes."""

    def __init__(self, network):
        self.network = network
        self.texels = network.layout.landmark_texels

    def classified(self, image, maps, crops):
        return 8.0 * self._has_dots(image, maps, crops) - 4

    def judged(self, image, maps, crops, scores=None):
        return Judged(0.1 + 0.8 * self._has_dots(image, maps, crops), crops)

    def _has_dots(self, image, maps, crops):
        eyes = landmarks_image_px(maps, crops, self.texels)[:, OUTER_EYE_CORNERS, :2]
        col, row = np.clip(np.rint(eyes), 0, np.array(image.shape[1::-1]) - 1).astype(int).transpose(2, 0, 1)
        return (image[row, col].max(axis=-1) > 100).all(axis=1)
