"""Other systems beside this project's networks: their landmarks, from files or by running them."""
