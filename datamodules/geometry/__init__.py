"""Where the points of a face lie: numpy and numba, no files, no torch."""
