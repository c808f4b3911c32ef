"""Marks, notes and the session in the window."""
