"""What one person, one address and one process may take up, counted across instances: docs/limits.md."""
