"""From numbers to tables, pictures and comparisons."""
