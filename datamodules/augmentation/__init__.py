"""Augmentation of training faces: crop, colours, occlusion and head pose."""
