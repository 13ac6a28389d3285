"""The ratios that everything is measured against: the paper's r1 and r2 (Table 2), and PRNet's weights."""

from datamodules.geometry.regions import five_regions
from lightning_module.region_weights import RegionWeights

REFERENCE = RegionWeights.of(five_regions(), {})
BASELINES = (
    REFERENCE,
    RegionWeights.of(five_regions(), dict.fromkeys(("landmarks", "eyes_nose", "mouth", "face"), 3)),
    RegionWeights.of(five_regions(), {"eyes_nose": 4}),
)
KNOWN_RATIOS = frozenset(weights.ratio for weights in BASELINES)
