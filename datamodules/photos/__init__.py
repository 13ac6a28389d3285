"""Any photograph: which files, where its faces are, and which square of it the network sees."""
