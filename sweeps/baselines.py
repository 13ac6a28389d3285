"""The ratios that everything is measured against: the paper's r1 and r2 (Table 2), and PRNet's weights."""

from lightning_module.region_weights import RegionWeights
from sweeps.search_space import FACE

REFERENCE = RegionWeights(16, 5, 4, FACE, 0)
BASELINES = (REFERENCE, RegionWeights(FACE, FACE, FACE, FACE, 0), RegionWeights(16, 4, 4, FACE, 0))
KNOWN_RATIOS = frozenset(weights.ratio for weights in BASELINES)
