"""Tables, pictures and comparisons of evaluations, and the commands that produce them."""
