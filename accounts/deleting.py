"""What staff delete along with somebody: those who keep something of them may note it."""

from __future__ import annotations

from django.dispatch import Signal

# Sent before users or persons are deleted in the admin. ``sender``: User or Person; ``by``: the user
# who deletes; ``ids``: of those who go. A receiver that raises keeps them from being deleted.
deleted_by_staff = Signal()
