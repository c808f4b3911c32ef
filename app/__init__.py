"""Elascope: error level analysis and calibrated verdicts for folders of images."""

__version__ = "0.1.0"
