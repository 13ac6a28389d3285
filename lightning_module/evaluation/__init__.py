"""How good a reconstruction is: protocols, alignment, and how sure a figure is."""
