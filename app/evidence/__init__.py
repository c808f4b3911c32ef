"""One file on disk: opened read-only, hashed first, decoded with a record of how."""
