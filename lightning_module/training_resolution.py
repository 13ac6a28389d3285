"""Mean map and weights at the resolution of a network's maps, for training."""

import torch
from torch import Tensor, nn

from datamodules.geometry.uv_layout import MAP_SIZE
from lightning_module.map_output import resampling


class TrainingResolution(nn.Module):
    """Mean map, weights and resampling for a network with maps of s x s texels; not stored in checkpoints.

    Args:
        size: Texels per side of the network's maps, s.

    Attributes:
        enlarge: (256, s) resampling of its maps.
        mean_map: (3, s, s) in crop pixels.
        weights: (s, s) with mean 1 over the texels with a weight above 0.
    """

    enlarge: Tensor
    mean_map: Tensor
    weights: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("enlarge", resampling(size, MAP_SIZE), persistent=False)
        self.register_buffer("mean_map", torch.zeros(3, size, size), persistent=False)
        self.register_buffer("weights", torch.zeros(size, size), persistent=False)

    def adopt(self, mean_map: Tensor, weight_map: Tensor) -> None:
        """Resamples a (3, 256, 256) mean map and (256, 256) weights on the device of this module."""
        shrink = resampling(MAP_SIZE, len(self.weights)).to(mean_map.device)
        self.mean_map.copy_(shrink @ mean_map @ shrink.mT)
        # each texel gets the weights of the texels that are interpolated from it, so every region keeps its share
        weights = self.enlarge.mT @ weight_map @ self.enlarge
        self.weights.copy_(weights / weights[weights > 0].mean())
