"""What is raised when something on disk, or asked for, cannot be used."""


class InputError(ValueError):
    """A fault in the user's input; its message is one line that names the file, the fault and the remedy."""
