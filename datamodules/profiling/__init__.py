"""A fitted photograph seen from elsewhere."""
