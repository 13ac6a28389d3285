"""Readers of data sets, and the indices that cache what they read."""
