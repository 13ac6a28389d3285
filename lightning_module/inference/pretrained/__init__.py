"""The network that comes with the project, its model card, and what writes both."""
