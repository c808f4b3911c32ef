"""Pixel analyses: pure functions from RGB pixels to maps, without Qt and without files."""

from app.analysis.base import Analysis
from app.analysis.ela import ELA
from app.analysis.ghosts import GHOSTS
from app.analysis.noise import NOISE

ANALYSES: tuple[Analysis, ...] = (ELA, GHOSTS, NOISE)
"""Every analysis of the program, in the order of the menus."""
