"""The folder of the checkout, which holds conf/ and mlruns/."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
