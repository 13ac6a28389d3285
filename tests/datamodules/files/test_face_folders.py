import pytest

from datamodules.errors import InputError
from datamodules.files.face_folders import photograph, sample_file, scan


def _touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def _pairs(root, *keys):
    _touch(root, *(f"{key}{ending}" for key in keys for ending in (".jpg", ".mat")))


def test_a_flat_folder_is_read_and_its_subfolders_are_not(tmp_path):
    _pairs(tmp_path, "image00002", "image00001", "other/image00003")
    found = scan(tmp_path)
    assert (found.layout, found.keys) == ("flat", ["image00001", "image00002"])


def test_only_the_named_folders_of_300w_lp_are_read(tmp_path):
    _pairs(tmp_path, "AFW/AFW_1_0", "AFW_Flip/AFW_1_0", "LFPW/LFPW_2_0", "landmarks/AFW/AFW_1_0", "Code/x", "stray")
    found = scan(tmp_path)
    assert found.layout == "300w-lp"
    assert found.keys == ["AFW/AFW_1_0", "AFW_Flip/AFW_1_0", "LFPW/LFPW_2_0"]


def test_300w_3d_is_told_from_300w_lp_though_its_names_end_in_numbers_too(tmp_path):
    _pairs(tmp_path, "AFW/AFW_134212_1", "AFW/AFW_134212_2", "IBUG/IBUG_image_003_1")
    assert scan(tmp_path).layout == "300w-3d"


def test_views_and_twins_of_one_photograph_are_grouped_in_300w_lp_only():
    views = ["AFW/AFW_134212_1_0", "AFW/AFW_134212_1_17", "AFW_Flip/AFW_134212_1_3"]
    assert len({photograph(key, "300w-lp") for key in views}) == 1
    for layout in ("300w-3d", "flat"):
        assert len({photograph(key, layout) for key in views}) == 3


def test_the_layout_can_be_given(tmp_path):
    _pairs(tmp_path, "AFW/AFW_1_5")
    assert scan(tmp_path).layout == "300w-3d"
    assert scan(tmp_path, "300w-lp").layout == "300w-lp"


def test_files_without_their_partner_are_named(tmp_path):
    _pairs(tmp_path, "a")
    _touch(tmp_path, "b.jpg", "c.mat")
    faults = scan(tmp_path).faults
    assert [fault.partition(": ")[0] for fault in faults] == [str(tmp_path / "b.jpg"), str(tmp_path / "c.mat")]
    assert "has no .mat" in faults[0]
    assert "has no .jpg" in faults[1]


def test_a_folder_of_photographs_alone_names_the_first(tmp_path):
    _touch(tmp_path, "b.jpg")
    with pytest.raises(InputError, match=r"b\.jpg: has no \.mat beside it"):
        scan(tmp_path)


def test_an_empty_or_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="top folder"):
        scan(tmp_path)
    with pytest.raises(InputError, match=r"--data\.root"):
        scan(tmp_path / "nothing")


def test_a_link_to_nothing_is_named(tmp_path):
    (tmp_path / "a.jpg").symlink_to(tmp_path / "gone")
    with pytest.raises(InputError, match=r"a\.jpg: is a link to nothing"):
        scan(tmp_path)


def test_any_change_on_disk_changes_the_fingerprint(tmp_path):
    _pairs(tmp_path, "a")
    before = scan(tmp_path).fingerprint
    assert scan(tmp_path).fingerprint == before
    (tmp_path / "a.mat").write_bytes(b"xy")
    assert scan(tmp_path).fingerprint != before


@pytest.mark.parametrize("top", ["300W_LP", "archive/300W_LP"])
def test_folders_around_a_data_set_are_looked_into(top, tmp_path):
    _pairs(tmp_path, f"{top}/AFW/AFW_1_0", f"{top}/HELEN/HELEN_2_0")
    _touch(tmp_path, f"{top}/landmarks/AFW/AFW_1_0_pts.mat", f"{top}/Code/x.m", "__MACOSX/300W_LP/AFW/._AFW_1_0.jpg")
    found = scan(tmp_path)
    assert found.keys == ["AFW/AFW_1_0", "HELEN/HELEN_2_0"]
    assert sample_file(tmp_path, found.keys[0], ".jpg") == tmp_path / top / "AFW" / "AFW_1_0.jpg"


def test_a_flat_folder_inside_another_is_looked_into(tmp_path):
    _pairs(tmp_path, "AFLW2000/image00002")
    _touch(tmp_path, "AFLW2000/Code/Mex/a.m")
    assert scan(tmp_path).keys == ["image00002"]


def test_several_data_sets_in_a_folder_are_named(tmp_path):
    _pairs(tmp_path, "300W_LP/AFW/AFW_1_0", "AFLW2000/image00002")
    with pytest.raises(InputError, match=r"several data sets: .*300W_LP, .*AFLW2000\. Give one of them"):
        scan(tmp_path)


def test_endings_may_be_in_upper_case(tmp_path):
    _touch(tmp_path, "a.JPG", "a.MAT", "b.jpg", "b.MAT", "c.Jpg", "c.mat")
    found = scan(tmp_path)
    assert (found.keys, found.faults) == (["a", "b", "c"], [])
    assert sample_file(tmp_path, "c", ".jpg").name == "c.Jpg"
    assert sample_file(tmp_path, "a", ".jpg").name == "a.JPG"
    assert sample_file(tmp_path, "b", ".jpg").name == "b.jpg"
    assert sample_file(tmp_path, "b", ".mat").name == "b.MAT"


@pytest.mark.parametrize("folder", ["", "aflw2k3d/1.0.0/"])
def test_a_copy_of_tensorflow_datasets_is_named(folder, tmp_path):
    _touch(tmp_path, f"{folder}aflw2k3d-train.tfrecord-00000-of-00001", f"{folder}dataset_info.json")
    with pytest.raises(InputError, match=r"TensorFlow Datasets, whose AFLW2000-3D lacks the poses"):
        scan(tmp_path)
