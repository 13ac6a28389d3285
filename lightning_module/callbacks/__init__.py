"""Lightning callbacks: what happens beside the steps of a fit or a test."""
