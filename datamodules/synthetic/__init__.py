"""The embedded default: faces by formula, written in the layout of the real data sets."""
