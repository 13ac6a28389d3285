"""From disk to tensors."""
