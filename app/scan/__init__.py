"""Evidence and detection over many files: one row for each, whatever happens to it."""
