"""What the bytes on disk mean: the only rooms that know file formats and key names."""
