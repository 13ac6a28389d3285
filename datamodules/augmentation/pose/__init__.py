"""Pose augmentation: a fitted photograph is lifted to 3-D and rendered at another head pose."""
