"""Geometry of faces: cameras, crops, landmarks, regions and UV space. Needs numpy and numba, no files, no torch."""
