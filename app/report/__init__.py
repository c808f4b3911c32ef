"""Rows as files that others can read."""

from app.report.base import Report
from app.report.csv_report import CSV
from app.report.html_report import HTML
from app.report.json_report import JSON
from app.report.jsonl_report import JSONL

REPORTS: tuple[Report, ...] = (CSV, JSON, JSONL, HTML)
"""Every report format; each has a flag of its own on the command line."""
