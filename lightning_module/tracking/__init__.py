"""A run on disk and in MLflow: its folder, its journal, and the upload of it."""
