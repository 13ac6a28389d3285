"""Refuses to build a wheel, which would lack conf/ and mlruns/. All settings are in pyproject.toml."""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class CheckoutOnly(bdist_wheel):
    """Replaces the command that builds wheels; editable installs do not run it."""

    def run(self) -> None:
        """Exits with an error that names the remedy."""
        raise SystemExit(
            "error: weightmask runs from a checkout only, not from a wheel. Install it with: pip install -e ."
        )


setup(cmdclass={"bdist_wheel": CheckoutOnly})
