"""The paper's figures for AFLW2000-3D, and the check for tests that can be compared with them."""

from lightning_module.evaluation.nme import NMEReport

OWN_NETWORK = "Shi et al."
# Table 1 of Shi et al.: percent by yaw bin, then their mean; on the whole of AFLW2000-3D, 68 landmarks in x and y.
PRINTED = {
    "3DDFA": (3.80, 4.55, 7.88, 5.41),
    "3DSTN": (3.13, 4.43, 5.78, 4.45),
    "PRN": (2.75, 3.50, 4.60, 3.62),
    "SDM": (3.67, 4.90, 9.67, 6.08),
    OWN_NETWORK: (2.69, 3.48, 4.58, 3.58),
}

_COUNTS = {"yaw_00_30": 1312, "yaw_30_60": 383, "yaw_60_90": 305}
# Mean width / height of the boxes of its 2 000 faces' `pt3d_68`; 0.97801 with the re-annotated landmarks.
MEAN_ASPECT = 1.01892
_ASPECT_TOLERANCE = 1e-3


def is_whole_aflw2000(report: NMEReport) -> bool:
    """Whether a report covers all faces of AFLW2000-3D with its original landmarks.

    It is recognised by its numbers, not by the name of its folder. The aspect tells it from the re-annotation, which has
    equal numbers of faces in the bins.
    """
    return (
        report.counts == _COUNTS
        and report.aspect is not None
        and abs(float(report.aspect.double().mean()) - MEAN_ASPECT) < _ASPECT_TOLERANCE
    )
