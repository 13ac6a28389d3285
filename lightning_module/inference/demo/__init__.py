"""A page on this machine on which a person tries networks with photographs."""
