"""Measures and saves results: one JSON file each in benchmarks/results, with a description of the machine."""

import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def save(name: str, command: str, figures: Any) -> None:
    """Writes benchmarks/results/<name>.json and prints it."""
    machine = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "torch": torch.__version__,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
    date = datetime.now(UTC).date().isoformat()
    text = json.dumps({"command": command, "date": date, "machine": machine, "figures": figures}, indent=1)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)


def interleaved_medians(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds per call. The contenders take turns, so that other load on the machine affects all of them."""
    for call in contenders.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, call in contenders.items():
            start = perf_counter()
            call()
            seconds[name].append(perf_counter() - start)
    return {name: median(values) for name, values in seconds.items()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
