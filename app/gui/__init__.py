"""The window: hands and eyes on evidence, analysis, detection, scan and report."""
