"""A run's folder: what is written, read back, plotted and told of it."""
