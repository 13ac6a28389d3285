"""Evaluation of reconstructions: protocols, errors, and their statistics."""
