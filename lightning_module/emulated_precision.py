"""Warns of bfloat16 on CPUs without instructions for it."""

import logging

import torch
from pytorch_lightning import Trainer
from pytorch_lightning.accelerators import CPUAccelerator

_log = logging.getLogger(__name__)

_INSTRUCTIONS = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")


def warn_of_emulated_bf16(trainer: Trainer) -> None:
    """Logs a warning if the CPU emulates the precision of a trainer."""
    if not str(trainer.precision).startswith("bf16") or not isinstance(trainer.accelerator, CPUAccelerator):
        return
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in _INSTRUCTIONS):
        _log.warning(
            "--trainer.precision %s: this CPU emulates bfloat16, which makes training 7 to 17 times slower than "
            "--trainer.precision 32-true.",
            trainer.precision,
        )
