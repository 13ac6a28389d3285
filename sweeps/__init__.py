"""From numbers to the next ratio."""
