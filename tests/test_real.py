"""The chain from real files to position maps, against real ground truth."""

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.files.bfm import read_morphable_model
from datamodules.files.images import read_image, write_jpeg
from datamodules.geometry.camera import project
from datamodules.geometry.crop import crop_matrix, crop_projection, uncrop_points
from datamodules.geometry.landmark_model import LandmarkModel
from datamodules.geometry.landmarks import MIRROR_68
from datamodules.geometry.uv_layout import cover_uv, make_uv_layout
from lightning_module.evaluation.nme import landmark_nme
from tests.face_data import NO_AUGMENTATION, face_data, face_index
from tests.map_reading import read_texels


@pytest.fixture(scope="module")
def model(real):
    return read_morphable_model(real / "bfm" / "BFM.mat")


@pytest.fixture(scope="module")
def layout(model):
    return make_uv_layout(model)


@pytest.fixture
def faces(real):
    return _module(real, real / "aflw2000")


def _module(real, root, **more):
    module = face_data(root, real / "bfm" / "BFM.mat", **({"val_fraction": 0, "augment": False} | more))
    module.prepare_data()
    module.setup("fit")
    return module


def _in_image(module):
    """(10, 68, 3) landmarks read off the maps, moved back into image pixels."""
    data = module.train_faces
    batch = module.complete(default_collate([data[0, i] for i in range(len(data))]))
    read = read_texels(batch.position_map, torch.from_numpy(module.uv_layout.landmark_texels[:68])).numpy()
    return np.stack([uncrop_points(points, crop_matrix(data.box(i))) for i, points in enumerate(read)])


def _truth(module):
    return np.array(module.train_faces.index.landmarks_image_px)


def test_landmarks_read_off_the_maps_are_the_annotated_ones(faces):
    nme = landmark_nme(torch.from_numpy(_in_image(faces)), torch.from_numpy(_truth(faces)).double())
    assert len(nme) == 10
    print(f"landmarks off the map, x and y: {nme.mean():.3f} % of sqrt(w h)")
    assert nme.mean() < 0.75


def test_depth_of_the_landmarks_is_the_annotated_one(faces):
    difference = _in_image(faces)[..., 2] - _truth(faces)[..., 2]
    difference -= difference.mean(axis=1, keepdims=True)
    off_px = np.abs(difference).mean(axis=1)
    print(f"landmarks off the map, z: at most {off_px.max():.2f} px mean a face")
    assert (off_px < 1.2).all()


def test_any_other_pixel_convention_is_worse(real, model, tmp_path):
    index = face_index(real / "aflw2000", tmp_path)
    landmarks = LandmarkModel(model)

    def error(shift):
        projections = np.stack([index.record(i).pose.projection(450) for i in range(10)])
        found = landmarks.project(index.identity, index.expression, projections)[..., :2] + shift
        return landmark_nme(
            torch.from_numpy(found), torch.from_numpy(index.landmarks_image_px[..., :2].astype(float))
        ).mean()

    ours = error((0, 0))
    assert ours == pytest.approx(0.58, abs=0.005)
    assert error((1, -1)) == pytest.approx(1.04, abs=0.01)  # face3d's x, h - y - 1
    for step in (0.5, 1):
        for x in (-step, 0, step):
            for y in (-step, 0, step):
                assert (x, y) == (0, 0) or error((x, y)) > ours


def test_landmark_texels_are_prnets(real, layout):
    columns, rows = np.loadtxt(real / "uv" / "uv_kpt_ind.txt").astype(int)
    np.testing.assert_array_equal(layout.landmark_texels[:68], np.column_stack([rows, columns]))


def test_areas_overlap_the_published_mask(real, layout):
    mask = read_image(real / "uv" / "uv_weight_mask.png")[..., 0] >= 64
    ours = np.isin(layout.regions, [2, 3])
    overlap = (mask & ours).sum() / (mask | ours).sum()
    print(f"eyes, nose and mouth against the published mask: IoU {overlap:.3f}")
    assert overlap > 0.84
    published_face = read_image(real / "uv" / "uv_face_mask.png")[..., 0] > 0
    face = layout.regions != 5
    overlap = (published_face & face).sum() / (published_face | face).sum()
    print(f"face against the published mask: IoU {overlap:.3f}")
    assert overlap > 0.9


def test_the_81_landmarks_weigh_under_one_percent(layout):
    from datamodules.geometry.regions import five_regions
    from lightning_module.region_weights import RegionWeights

    weights = RegionWeights.of(five_regions(), {}).weight_map(layout.regions, layout.landmark_texels)
    share = weights[tuple(layout.landmark_texels.T)].sum() / weights.sum()
    assert 0.007 < share < 0.01


def test_batched_maps_equal_a_reference_in_double_precision(faces, model, layout):
    data = faces.train_faces
    maps = faces.complete(default_collate([data[0, i] for i in range(3)])).position_map
    triangle_ids, barycentric = cover_uv(model, len(layout.regions))
    corners = model.triangles[triangle_ids]
    for i, position_map in enumerate(maps):
        record = data.index.record(i)
        projection = crop_projection(record.pose.projection(record.image_size[1]), crop_matrix(data.box(i)))
        vertices = project(model.vertices(record.identity.astype(np.float64), record.expression), projection)
        expected = np.einsum("rck,rckd->rcd", barycentric.astype(np.float64), vertices[corners])
        expected[..., 2] -= expected[..., 2].min()
        assert np.abs(position_map.numpy().transpose(1, 2, 0) - expected).max() < 1e-2


def test_mirrored_maps_are_half_a_percent_off_their_landmarks(real):
    mirror = Augmentation(**(vars(NO_AUGMENTATION) | {"mirror_probability": 1.0}))
    module = _module(real, real / "aflw2000", augment=True, augmentation=mirror)
    batch = module.complete(default_collate([module.train_faces[0, i] for i in range(10)]))
    assert batch.yaw_deg[3] == pytest.approx(-65.62, abs=0.01)
    read = read_texels(batch.position_map, torch.from_numpy(module.uv_layout.landmark_texels[:68]))
    assert landmark_nme(read, batch.landmarks_crop_px).mean() < 1.1
    unpermuted = landmark_nme(read[:, MIRROR_68], batch.landmarks_crop_px).mean()
    assert unpermuted > 10


def test_dots_in_an_image_stay_on_the_map_through_every_augmentation(real, faces, tmp_path):
    """Dots drawn into an image at landmark texels are found where the prepared map has those texels."""
    places = [8, 30, 36, 45, 48, 54]
    in_image = _in_image(faces)
    root = tmp_path / "dots"
    root.mkdir()
    rows, cols = np.mgrid[:450, :450]
    for i in (0, 2, 6):
        for landmark in places:
            x, y, _ = in_image[i, landmark]
            dot = 255 * np.exp(-((cols - x) ** 2 + (rows - y) ** 2) / 18)
            key = faces.train_faces.index.key(i)
            write_jpeg(root / f"{key}_{landmark}.jpg", np.repeat(np.rint(dot)[..., None], 3, axis=2).astype(np.uint8))
            (root / f"{key}_{landmark}.mat").write_bytes((real / "aflw2000" / f"{key}.mat").read_bytes())
    geometric = Augmentation(colour_gain=(1.0, 1.0), erase_probability=0.0)
    module = _module(real, root, augment=True, augmentation=geometric, pose_probability=0)  # one face each
    data = module.train_faces
    mirrored = 0
    for epoch in range(3):
        samples = [data[epoch, i] for i in range(len(data))]
        maps = module.complete(default_collate(samples)).position_map
        for i, sample in enumerate(samples):
            row, col = module.uv_layout.landmark_texels[int(data.index.key(i).rpartition("_")[2])]
            x, y, _ = maps[i, :, row, 255 - col if sample.is_mirrored else col].tolist()
            light = sample.image[..., 1].double()
            light[light < 10] = 0
            v, u = (
                (axis * light).sum() / light.sum() for axis in torch.meshgrid(*[torch.arange(256)] * 2, indexing="ij")
            )
            assert np.hypot(float(u) - x, float(v) - y) < 0.1
            mirrored += bool(sample.is_mirrored)
    assert 0 < mirrored < 3 * len(data)


def test_300w_lp_samples_are_read_though_they_have_no_3d_landmarks(real):
    module = _module(real, real / "300wlp")
    assert len(module.train_faces) == 3
    assert module.train_faces[0, 0].landmarks_crop_px.isfinite().all()


def test_a_missing_point_and_zeros_stored_as_bytes_are_no_fault(faces):
    assert "image00516" in [faces.train_faces.index.key(i) for i in range(10)]
    assert not faces.train_faces.index.faults
