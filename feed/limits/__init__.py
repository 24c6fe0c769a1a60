"""So often, so much and so many at a time, counted across instances: docs/limits.md, How it is counted."""
