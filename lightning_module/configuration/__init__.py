"""From the command line and its files to the network and data that they describe."""
