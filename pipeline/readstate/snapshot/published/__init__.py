"""A published snapshot: schema, manifest, files; how to open, publish and remove it."""
