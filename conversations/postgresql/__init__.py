"""PostgreSQL for Django, with a limit to how long its answer is waited for. ``base`` is the backend."""
