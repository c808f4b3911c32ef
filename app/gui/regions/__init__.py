"""Regions A and B compared, and the quality sweep."""
