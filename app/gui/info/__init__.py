"""What is known of the shown file."""
