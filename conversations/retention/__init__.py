"""How long things are kept, what is kept longer, and how they go for good: docs/retention.md."""
