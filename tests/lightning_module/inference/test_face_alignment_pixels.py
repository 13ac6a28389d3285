"""From which pixel face-alignment counts, as its own code tells."""

import numpy as np
import pytest


@pytest.mark.slow
def test_face_alignment_counts_pixels_from_0():
    """Its crop and its reading of heat maps, where the maps are exact, return landmarks to where they were drawn."""
    from face_alignment.utils import crop, get_preds_fromhm

    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:450, :450]
    away = []
    for _ in range(200):
        centre, side = rng.uniform(190, 260, 2), rng.uniform(150, 200)
        landmark = centre + rng.uniform(-0.4, 0.4, 2) * side
        blob = np.exp(-((columns - landmark[0]) ** 2 + (rows - landmark[1]) ** 2) / 32)
        image = np.repeat((255 * blob).astype(np.uint8)[..., None], 3, axis=2)
        # as get_landmarks_from_image places the crop of a box
        placed = centre - [0, 0.12 * side], 2 * side / 195
        heat = crop(image, *placed)[..., 0].astype(np.float32).reshape(64, 4, 64, 4).mean(axis=(1, 3))
        away.append(get_preds_fromhm(heat[None, None], *placed)[1][0, 0] - landmark)
    mean, deviation = np.mean(away, axis=0), np.std(away, axis=0)
    print(
        f"face-alignment returns landmarks {mean.round(2)} pixels away on average, with a deviation of {deviation.round(2)}"
    )
    assert (np.abs(mean) < 0.4).all()  # counted from 1, they would be 1 away
