"""From the downloads to the tables and figures of the paper, in one command."""
