"""The light table: panes, maps and pictures, and what stands under them."""
