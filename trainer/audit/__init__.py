"""What a corpus holds, and what of its labels can be read without a pixel."""
