"""A campaign that looks for faults: lost or half-written files, tracebacks, hangs, and writes outside the given folders."""
