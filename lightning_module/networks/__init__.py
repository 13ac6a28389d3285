"""Networks that map a face crop to offsets of a UV position map."""
