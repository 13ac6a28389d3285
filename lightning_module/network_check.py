"""Whether a network takes the crops that it is given, how large its maps are, and whether they stay so in training."""

import torch
from torch import Tensor, nn

from datamodules.errors import InputError, described

_BATCH = 2
_SMALLEST = 2  # texels per side
_HALF = "Its parameters are {dtype}: leave them in float32, and set --trainer.precision."


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
        remedy = "" if parameter.dtype == torch.float32 else f" {_HALF.format(dtype=parameter.dtype)}"
        fault = f"does not take images of shape {tuple(image.shape)} ({described(error)})."
        raise InputError(f"{name}: {fault}{remedy}") from error
    finally:
        for module, is_training in modes.items():
            module.training = is_training
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if not isinstance(output, Tensor) or output.dim() != 4 or shape != (_BATCH, 3, output.shape[3], output.shape[3]):
        raise InputError(
            f"{name}: returns {shape} for {tuple(image.shape)}. Return (N, 3, s, s) offsets in crop pixels."
        )
    if not output.is_floating_point() or output.shape[3] < _SMALLEST:
        raise InputError(
            f"{name}: gives {output.dtype} of shape {shape}. Return floats, (N, 3, s, s) with s of at least {_SMALLEST}."
        )
    return int(output.shape[3])


def require_same_crop(of_data: float, of_network: float) -> None:
    """Raises InputError if the crops of the data have another margin than those that a network was trained with."""
    if of_data != of_network:
        raise InputError(
            f"--data.crop_margin is {of_data:g}, but the network is made for crops of margin {of_network:g}. Give the same to "
            "both; run.py does so by itself."
        )


def training_offsets(network: nn.Module, image: Tensor, size: int) -> Tensor:
    """(N, 3, size, size) float32 offsets that a network in training mode gives.

    Args:
        network: The network.
        image: (N, 3, S, S) RGB in [0, 1].
        size: Texels per side of its maps in evaluation mode.

    Raises:
        InputError: If it gives something else while it trains, what it gives depends on no parameter, or its batch norms
            cannot train on a single face.
    """
    try:
        output = network(image)
    except ValueError as error:
        if len(image) > 1:
            raise
        raise InputError(
            f"--data.batch_size: {type(network).__name__} cannot train on a batch of one face ({described(error)}). Give at "
            "least 2."
        ) from error
    expected = (len(image), 3, size, size)
    shape = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if shape != expected:
        raise InputError(
            f"--model.network {type(network).__name__}: gives {shape} in training, where {expected} is expected. "
            "Return the same for each batch, in training as in evaluation."
        )
    if not output.requires_grad:
        raise InputError(
            f"--model.network {type(network).__name__}: its maps depend on no trainable parameter. "
            "Is the output detached, or is everything frozen?"
        )
    offsets: Tensor = output.float()
    return offsets
