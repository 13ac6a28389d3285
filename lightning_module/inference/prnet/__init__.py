"""Imports the published weights of PRNet."""
