"""Sweeps: the search for region weights, and its confirmation."""
