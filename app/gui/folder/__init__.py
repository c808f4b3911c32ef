"""The list of the open folder: files, order, filter, thumbnails."""
