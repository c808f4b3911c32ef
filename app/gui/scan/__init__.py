"""The scan in the window: live table with filter and order, overview, choice of models."""
