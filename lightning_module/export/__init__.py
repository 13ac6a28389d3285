"""A trained network outside of this project: as files of other runtimes, and as what gives maps of crops."""
