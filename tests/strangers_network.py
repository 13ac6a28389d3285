"""A network as a stranger writes it: two convolutions and a linear layer, without a word about this project."""

from torch import Tensor, nn


class TwoConvolutions(nn.Module):
    """Reads maps of 8 x 8 texels off a 32 x 32 image.

    Args:
        width: Channels.
    """

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, width, 3, 2, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, 2, 1),
            nn.ReLU(),
        )
        self.map = nn.Linear(width * 8 * 8, 3 * 8 * 8)

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, 8, 8) offsets in crop pixels."""
        return self.map(self.features(image).flatten(1)).reshape(-1, 3, 8, 8)
