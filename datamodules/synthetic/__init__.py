"""Synthetic faces, in the layout of the real data sets."""
