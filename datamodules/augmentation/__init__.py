"""How a training face is varied: its crop, its colours, what covers it, and its head pose."""
