"""Faces of videos: tracking, smoothing, and the files that are written."""
