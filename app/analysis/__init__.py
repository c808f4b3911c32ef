"""Pixel analyses: pure functions from RGB pixels to maps, without Qt and without files."""

from app.analysis.base import Analysis
from app.analysis.ela import ELA

ANALYSES: tuple[Analysis, ...] = (ELA,)
"""Every analysis of the program, in the order of the menus."""
