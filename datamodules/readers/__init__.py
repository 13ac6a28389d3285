"""From a data set's files to rows of numbers: one reader for each kind of data set, and the index that keeps the rows."""
