"""Refuses to build a wheel, which would lack conf/ and mlruns/; everything else stands in pyproject.toml."""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class CheckoutOnly(bdist_wheel):
    """Stands in for the command that builds wheels; editable installs do not run it."""

    def run(self) -> None:
        """Says what to do instead."""
        raise SystemExit(
            "error: weightmask runs from a checkout only, not from a wheel. Install it with: pip install -e ."
        )


setup(cmdclass={"bdist_wheel": CheckoutOnly})
