"""Parses the command line and configuration files, and resolves the checkpoint that a command starts from."""
