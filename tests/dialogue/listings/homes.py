"""Listings for tests."""

from __future__ import annotations

from typing import Any

from dialogue.listings.models import Listing


def add(reference: str, **fields: Any) -> Listing:
    """A two-bedroom flat for sale in Lisbon, unless told otherwise."""
    made = {
        "title": f"Flat {reference}",
        "kind": "flat",
        "deal": "sale",
        "city": "Lisbon",
        "district": "Alfama",
        "bedrooms": 2,
        "bathrooms": 1,
        "area_m2": 80,
        "price": 295_000,
        **fields,
    }
    return Listing.objects.create(reference=reference, **made)
