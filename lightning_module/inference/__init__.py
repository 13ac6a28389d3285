"""Reconstruction of faces in photographs: detection, reconstruction, output files, and exported networks."""
