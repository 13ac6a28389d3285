"""Photographs in, faces out: detection, reconstruction, files of a face, and exported networks."""
