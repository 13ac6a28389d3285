"""The nine regions divide the five, and the configuration that names them weighs every texel as the five do."""

import numpy as np
import pytest
import yaml

from datamodules.files.bfm import read_morphable_model
from datamodules.geometry.fine_regions import fine_regions
from datamodules.geometry.regions import checked_table, five_regions, regions_as_data
from datamodules.geometry.uv_layout import make_uv_layout
from datamodules.synthetic.head_model import synthetic_model
from lightning_module.evaluation.protocols import validation_protocols
from lightning_module.project import PROJECT
from lightning_module.region_weights import RegionWeights
from run import main
from sweeps.settings import known_weights
from tests.sweeps.stubs import settings

PARTS = {
    "eyes_nose": {"eyes", "brows", "nose"},
    "mouth": {"lips"},
    "face": {"jaw_line", "forehead", "face"},
    "neck": {"neck"},
}


@pytest.fixture(scope="module", params=["synthetic", "near-real"])
def layouts(request):
    """Layouts of one face model, with the five regions and with the nine."""
    model = synthetic_model().face
    if request.param == "near-real":
        model = read_morphable_model(request.getfixturevalue("real") / "bfm" / "BFM.mat")
    return make_uv_layout(model), make_uv_layout(model, regions=fine_regions())


def test_the_fine_regions_divide_the_five(layouts):
    coarse, fine = layouts
    labels = {region.name: region.label for region in fine_regions()}
    for region in five_regions()[1:]:
        within = {label for name, label in labels.items() if name in PARTS[region.name]}
        assert set(np.unique(fine.regions[coarse.regions == region.label])) == within  # none of them is empty


def test_every_landmark_lies_in_the_region_of_its_name(layouts):
    _, fine = layouts
    of_landmark = fine.regions[tuple(fine.landmark_texels.T)]
    labels = {region.name: region.label for region in fine_regions()}
    # without the upper lip, which may lie within the margin of the nose, as in the five regions
    ends = {"jaw_line": (0, 17), "brows": (17, 27), "nose": (27, 36), "eyes": (36, 48), "lips": (54, 68)}
    for name, (first, last) in ends.items():
        assert set(of_landmark[first:last]) == {labels[name]}, name
    assert of_landmark[68 + 1] == labels["forehead"]  # on the hairline, near its middle


def test_equal_weights_give_the_same_map_and_others_do_not(layouts):
    coarse, fine = layouts

    def weight_map(**weights):
        return RegionWeights.of(fine_regions(), weights).weight_map(fine.regions, fine.landmark_texels)

    expected = RegionWeights.of(five_regions(), {}).weight_map(coarse.regions, coarse.landmark_texels)
    np.testing.assert_array_equal(weight_map(), expected)
    assert not np.array_equal(weight_map(forehead=9.0), expected)


def test_a_label_keeps_its_meaning_and_every_fine_region_its_figure():
    coarse, fine = (regions_as_data(checked_table(table)) for table in (five_regions, fine_regions))
    shared = {region["label"] for region in coarse} & {region["label"] for region in fine}
    assert [region for region in coarse if region["label"] in shared] == [
        region for region in fine if region["label"] in shared
    ]
    assert len({region["colour"] for region in fine}) == len(fine)
    names = {protocol.name for protocol in validation_protocols(fine_regions())}
    assert {f"nme_{name}" for name in PARTS["eyes_nose"] | PARTS["mouth"] | PARTS["face"]} <= names
    ratios = [weights.ratio for weights in known_weights(fine_regions())]
    assert ratios == ["16-5-5-5-4-3-3-3-0", "3-3-3-3-3-3-3-3-0", "16-4-4-4-4-3-3-3-0"]


def test_their_configuration_combines_with_files_for_the_five_regions(capsys):
    files = [f"--config={PROJECT / 'conf' / name}.yaml" for name in ("paper", "regions_fine")]
    with pytest.raises(SystemExit):
        main(["fit", *files, "--model.weights.lips=9", "--print_config"])
    weights = yaml.safe_load(capsys.readouterr().out)["model"]["weights"]
    assert weights == RegionWeights.of(fine_regions(), {"lips": 9.0}).by_name


def test_a_sweep_of_their_configuration_searches_each_of_them(tmp_path):
    asked = settings(tmp_path, config=PROJECT / "conf" / "regions_fine.yaml", strategy="branched")
    assert asked.trunk_weights.ratio == "16-5-5-5-4-3-3-3-0"
    names = ["landmarks", "eyes", "brows", "nose", "lips", "jaw_line", "forehead", "neck"]
    assert list(asked.space.ranges_of(asked.regions)) == names
    assert all(asked.space.holds(weights) for weights in asked.baselines)
