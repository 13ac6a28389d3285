"""Converts crops to the input of a network."""

from torch import Tensor


def network_input(crops: Tensor) -> Tensor:
    """(N, 3, S, S) float32 in [0, 1], channels_last, of (N, S, S, 3) uint8 RGB."""
    return crops.permute(0, 3, 1, 2).float().div_(255)  # a permuted (N, S, S, 3) is channels_last
