"""Rows as files that others can read."""

from app.report.base import Report
from app.report.csv_report import CSV
from app.report.json_report import JSON

REPORTS: tuple[Report, ...] = (CSV, JSON)
"""Every report format; each has a flag of its own on the command line."""
