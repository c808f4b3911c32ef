"""The parts of the HTML report, each a section or what several sections share."""
