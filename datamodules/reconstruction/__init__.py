"""From position maps to faces that people can open: meshes, figures, pictures, a page."""
