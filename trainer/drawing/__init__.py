"""Plots, contact sheets and pages in one plain style."""
