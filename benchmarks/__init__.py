"""Speed, memory and long evidence, side by side with a named baseline; never part of the test run."""
