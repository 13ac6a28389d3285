"""Tracking of runs on disk and in MLflow: run folder, journal and upload."""
