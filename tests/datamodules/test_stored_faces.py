"""Stored position maps in place of coefficients: the same faces, the same numbers."""

import logging
import shutil

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from datamodules.augmentation.augmentation_options import Augmentation
from datamodules.errors import InputError
from datamodules.files.dataset_card import DatasetCard, write_card
from datamodules.files.position_map_files import LAYOUT_FILE, read_position_map, read_uv_layout, write_uv_layout
from datamodules.geometry.regions import five_regions
from datamodules.prepare import prepare
from datamodules.readers.stored_map_reader import StoredMapReader
from datamodules.render_views import render_views
from datamodules.synthetic.faces_on_disk import SyntheticSettings, make_data_set
from lightning_module.losses import weighted_distance
from lightning_module.map_output import resampling
from lightning_module.region_weights import RegionWeights
from tests.face_data import NO_AUGMENTATION, face_data
from tests.map_reading import read_texels
from tests.runs import fit, history

READER = "--data.reader=datamodules.readers.stored_map_reader.StoredMapReader"
GEOMETRIC = Augmentation(30, (0.9, 1.2), 0.1, 0.5, (1, 1), 0)


@pytest.fixture(scope="module")
def maps(faces, model_file, tmp_path_factory):
    """The twelve faces as maps, with crops as PNG."""
    folder = tmp_path_factory.mktemp("prepared") / "maps"
    assert prepare(face_data(faces, model_file), folder, lossless=True) == 12
    return folder


def _stored(root, **options):
    data = face_data(root, options.pop("model_file", None), reader=StoredMapReader(), **{"val_fraction": 0} | options)
    data.setup("fit")
    return data


def _batch(data, size=256, epoch=0):
    return data.complete(default_collate([data.train_faces[epoch, i] for i in range(len(data.train_faces))]), size)


def _both(faces, model_file, maps, **options):
    options = {"val_fraction": 0, "pose_probability": 0, "augmentation": NO_AUGMENTATION} | options
    fitted = face_data(faces, model_file, **options)
    fitted.setup("fit")
    return fitted, _stored(maps, **options)


@pytest.mark.parametrize(("size", "tolerance"), [(256, 1e-4), (32, 1e-2)])
def test_losses_of_both_ways_agree(size, tolerance, faces, model_file, maps):
    fitted, stored = _both(faces, model_file, maps)
    layout = fitted.uv_layout
    weights = torch.from_numpy(RegionWeights.of(five_regions(), {}).weight_map(layout.regions, layout.landmark_texels))
    enlarge, shrink = resampling(size, 256), resampling(256, size)
    mean = shrink @ torch.from_numpy(layout.mean_map).permute(2, 0, 1) @ shrink.mT
    one, other = _batch(fitted, size), _batch(stored, size)
    assert torch.equal(one.image, other.image)  # PNG keeps every bit
    losses = [weighted_distance(mean, batch.position_map, enlarge.mT @ weights @ enlarge) for batch in (one, other)]
    assert losses[1] == pytest.approx(losses[0].item(), rel=tolerance)


def test_jpeg_crops_are_a_little_off(faces, model_file, tmp_path):
    prepare(face_data(faces, model_file), tmp_path / "maps")
    one, other = (_batch(data) for data in _both(faces, model_file, tmp_path / "maps"))
    assert torch.equal(one.position_map, other.position_map)
    assert 0 < (one.image - other.image).abs().mean() < 0.02


def test_an_augmented_map_is_the_augmented_map_of_the_coefficients(faces, model_file, maps):
    """Rotation, scale, shift and mirroring of each face are drawn from its key, so that both ways draw the same."""
    fitted, stored = _both(faces, model_file, maps, augmentation=GEOMETRIC)
    for epoch in range(2):
        one, other = _batch(fitted, epoch=epoch), _batch(stored, epoch=epoch)
        torch.testing.assert_close(other.position_map, one.position_map, atol=5e-3, rtol=0)
        assert (one.image - other.image).abs().mean() < 0.05  # one resampling more
    mirrored = [bool(stored.train_faces[0, i].is_mirrored) for i in range(12)]
    assert 0 < sum(mirrored) < 12


def test_landmarks_move_with_the_map(maps):
    data = _stored(maps, augmentation=GEOMETRIC)
    batch = _batch(data)
    texels = torch.from_numpy(data.uv_layout.landmark_texels[:68])
    for face in range(12):
        if not data.train_faces[0, face].is_mirrored:  # a mirrored texel is the twin of a landmark, half a texel off
            read = read_texels(batch.position_map[[face]], texels)[0]
            torch.testing.assert_close(read[:, :2], batch.landmarks_crop_px[face, :, :2], atol=1e-2, rtol=0)


def test_a_mirrored_map_has_opposite_yaw_and_lies_mirrored_in_the_crop(maps):
    plain, mirrored = (
        _stored(maps, augmentation=Augmentation(0, (1, 1), 0, mirror, (1, 1), 0)) for mirror in (0.0, 1.0)
    )
    one, other = _batch(plain), _batch(mirrored)
    torch.testing.assert_close(other.yaw_deg, -one.yaw_deg)
    reflected = one.position_map.flip(-1)
    reflected[:, 0] = 255 - reflected[:, 0]
    torch.testing.assert_close(other.position_map, reflected, atol=1e-3, rtol=0)
    assert (other.image - one.image.flip(-1)).abs().mean() < 0.01


def _yaw_errors(root, model_file, folder):
    data = face_data(root, model_file, augment=False, val_fraction=0)
    prepare(data, folder)
    data.setup("fit")
    stored = _stored(folder, augment=False)
    assert stored.train_faces.keys == data.train_faces.keys
    pairs = [(stored.train_faces[0, i].yaw_deg, data.train_faces[0, i].yaw_deg) for i in range(len(data.train_faces))]
    return np.abs([float(one - other) for one, other in pairs])


def test_yaw_from_a_map_is_within_2_degrees(faces, model_file, tmp_path):
    assert _yaw_errors(faces, model_file, tmp_path / "fakes").max() < 2
    make_data_set(SyntheticSettings(30, image_size=64), tmp_path / "synthetic")
    assert _yaw_errors(tmp_path / "synthetic", None, tmp_path / "maps").max() < 2


def test_yaw_from_maps_of_real_faces_is_within_2_degrees(real, tmp_path):
    errors = _yaw_errors(real / "aflw2000", real / "bfm" / "BFM.mat", tmp_path / "maps")
    print(f"yaw from the map: {errors.mean():.2f} degrees off on average, {errors.max():.2f} at most")
    assert errors.max() < 2


def test_stored_maps_are_trained_on_and_tested(maps, tmp_path):
    run = fit(maps, None, tmp_path, READER, f"--data.test.root={maps}", "--trainer.max_epochs=1")
    figures = history(run)
    assert any(name.startswith("test/") and "/nme_dense/" in name for name, _ in figures)
    assert all(np.isfinite(value) for value in figures.values())


def test_the_label_file_says_what_the_face_model_says(maps, model_file):
    stored, with_model = _stored(maps), _stored(maps, model_file=model_file)
    assert stored.uv_layout.fingerprint() == with_model.uv_layout.fingerprint()
    assert set(stored.fingerprints()) == {"morphable_model", "data"}


def test_maps_without_labels_or_model_are_refused(maps, tmp_path):
    shutil.copytree(maps, tmp_path / "maps")
    (tmp_path / "maps" / LAYOUT_FILE).unlink()
    data = face_data(tmp_path / "maps", None, reader=StoredMapReader())
    with pytest.raises(InputError, match=r"uv_layout\.npz: there is no such file.*--data\.face_model\.path"):
        data.check("fit")


def test_labels_that_the_regions_lack_are_named(maps, tmp_path):
    shutil.copytree(maps, tmp_path / "maps")
    layout = read_uv_layout(maps / LAYOUT_FILE)
    layout.regions[0, 0] = 77
    write_uv_layout(tmp_path / "maps" / LAYOUT_FILE, layout)
    with pytest.raises(InputError, match=r"texels of region 77, which the table of --data\.regions lacks"):
        _stored(tmp_path / "maps")


def test_poses_of_stored_maps_cannot_be_augmented_nor_rendered(maps, tmp_path):
    with pytest.raises(InputError, match="cannot be rendered at other poses") as caught:
        _stored(maps, pose_probability=0.5)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be rendered at other poses"):
        render_views(face_data(maps, None, reader=StoredMapReader()), tmp_path / "views")


def test_crops_of_another_resolution_hold_the_same_map(faces, model_file, maps, tmp_path):
    prepare(face_data(faces, model_file, image_size=100), tmp_path / "small", lossless=True)
    one, other = (_batch(_stored(folder, augment=False)) for folder in (maps, tmp_path / "small"))
    torch.testing.assert_close(one.position_map, other.position_map, atol=1e-3, rtol=0)
    torch.testing.assert_close(one.landmarks_crop_px, other.landmarks_crop_px, atol=1e-3, rtol=0)


def test_views_of_one_photograph_stay_together(faces, maps, tmp_path):
    for photo in range(6):
        for view in range(2):
            for ending in (".npy", ".png"):
                path = tmp_path / "lp" / "AFW" / f"AFW_{photo}_{view}{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(maps / f"image{photo:05d}{ending}", path)
    shutil.copy(maps / LAYOUT_FILE, tmp_path / "lp")
    data = _stored(tmp_path / "lp", val_fraction=0.5)
    assert len(data.train_faces.photographs | data.val_faces.photographs) == 6
    assert not data.train_faces.photographs & data.val_faces.photographs


def test_files_that_cannot_be_used_are_reported_together(maps, tmp_path, caplog):
    root = tmp_path / "maps"
    shutil.copytree(maps, root)
    (root / "image00000.png").unlink()
    shutil.copy(root / "image00001.png", root / "image00001.jpg")
    np.save(root / "image00002.npy", np.zeros((128, 128, 3), np.float32))
    np.save(root / "image00003.npy", np.full((256, 256, 3), np.nan, np.float32))
    (root / "image00004.npy").write_bytes(b"no array")
    np.save(root / "image00005.npy", np.zeros((256, 256, 3), np.float32))
    with caplog.at_level(logging.WARNING):
        data = _stored(root, max_bad_fraction=0.6)
    for fault in (
        "6 of 12",
        "image00000.npy: has no .jpg or .png",
        "image00001: has both",
        "image00002.npy: holds float32 of shape (128, 128, 3)",
        "image00003.npy: holds NaN",
        "image00004.npy: cannot be read",
        "image00005: the landmarks of its position map span no area",
    ):
        assert fault in caplog.text
    assert len(data.train_faces) == 6


def test_a_folder_without_maps_is_named(tmp_path):
    for root, fault in ((tmp_path / "none", "there is no such folder"), (tmp_path, r"holds no <name>\.npy")):
        with pytest.raises(InputError, match=fault):
            StoredMapReader().list_samples(root)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"regions": None}, "holds no layout.*regions"),
        ({"mean_map": np.zeros((9, 9, 3))}, r"mean_map has shape \(9, 9, 3\), expected \(256, 256, 3\)"),
        ({"landmark_texels": np.full((81, 2), 256)}, "landmark_texels leave the map"),
        ({"landmark_texels": np.full((81, 2), "a")}, "landmark_texels holds <U1"),
        ({"mean_map": np.full((256, 256, 3), np.nan)}, "mean_map holds float64, expected finite numbers"),
    ],
)
def test_what_is_wrong_with_a_label_file_is_named(changes, fault, maps, tmp_path):
    with np.load(maps / LAYOUT_FILE) as archive:
        arrays = dict(archive) | changes
    np.savez(tmp_path / LAYOUT_FILE, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(InputError, match=fault) as caught:
        read_uv_layout(tmp_path / LAYOUT_FILE)
    assert "\n" not in str(caught.value)


def test_a_written_map_is_read_back_in_prnets_layout(maps):
    points = read_position_map(maps / "image00000.npy")
    assert (points.shape, points.dtype) == ((256, 256, 3), np.float32)
    assert points[..., 2].min() == 0


def test_a_card_beside_the_maps_names_them(maps, tmp_path):
    shutil.copytree(maps, tmp_path / "maps")
    write_card(tmp_path / "maps", DatasetCard("AFLW2000-3D, maps"))
    assert str(_stored(tmp_path / "maps").card("fit")) == "AFLW2000-3D, maps"
