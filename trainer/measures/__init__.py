"""Measures with intervals, calibration and thresholds."""
