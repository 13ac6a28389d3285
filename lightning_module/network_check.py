"""Checks that a network accepts crops, and finds the size of its maps."""

import torch
from torch import Tensor, nn

from datamodules.errors import InputError

_BATCH = 2


def output_size(network: nn.Module, image_size: int) -> int:
    """Texels per side of a network's maps, from a dry run on black images in evaluation mode.

    The random state of the process and the running statistics of the network do not change.

    Args:
        network: A module from (N, 3, image_size, image_size) to (N, 3, s, s).
        image_size: Pixels per side of its input.

    Raises:
        InputError: If the network does not accept such images, or returns something else.
    """
    parameter = next(network.parameters(), torch.zeros(0))
    image = torch.zeros(_BATCH, 3, image_size, image_size, device=parameter.device)
    image = image.contiguous(memory_format=torch.channels_last)  # like training images
    modes = {module: module.training for module in network.modules()}
    network.eval()
    name = f"--model.network {type(network).__name__}"
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            output = network(image)
    # the exception depends on the network
    except Exception as error:
        message = " ".join(str(error).split())
        raise InputError(f"{name}: does not accept images of shape {tuple(image.shape)} ({message}).") from error
    finally:
        for module, is_training in modes.items():
            module.training = is_training
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if not isinstance(output, Tensor) or output.dim() != 4 or shape != (_BATCH, 3, output.shape[3], output.shape[3]):
        raise InputError(
            f"{name}: returns {shape} for {tuple(image.shape)}. Return (N, 3, s, s) offsets in crop pixels."
        )
    return int(output.shape[3])
