"""One root, a folder or a bucket: atomic files, conditional puts."""
