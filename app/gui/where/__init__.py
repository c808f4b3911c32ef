"""Where in a picture something was found: asking for it, the layer over the picture, the lists."""
