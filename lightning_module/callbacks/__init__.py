"""Lightning callbacks: reports, checkpoints, checks and terminal output of a run."""
