"""Files and their formats: no other package contains file formats or key names."""
