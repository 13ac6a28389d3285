"""From tensors to numbers."""
