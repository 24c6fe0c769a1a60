"""Homes for sale and to rent, which the builtin engine finds and shows as cards."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

WEB_ADDRESS = URLValidator(schemes=["http", "https"])


class Listing(models.Model):
    """One home. ``price`` is in whole units of ``currency``, a month if the deal is *rent*."""

    class Kind(models.TextChoices):
        FLAT = "flat", _("flat")
        HOUSE = "house", _("house")
        STUDIO = "studio", _("studio")
        LOFT = "loft", _("loft")
        PENTHOUSE = "penthouse", _("penthouse")
        VILLA = "villa", _("villa")
        ROOM = "room", _("room")

    class Deal(models.TextChoices):
        SALE = "sale", _("for sale")
        RENT = "rent", _("to rent")

    class Currency(models.TextChoices):
        EUR = "EUR", _("euros")
        GBP = "GBP", _("pounds")
        USD = "USD", _("dollars")

    reference = models.CharField(_("reference"), max_length=40, unique=True)
    title = models.CharField(_("title"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    deal = models.CharField(_("deal"), max_length=4, choices=Deal)
    city = models.CharField(_("city"), max_length=60)
    district = models.CharField(_("district"), max_length=60, blank=True)
    bedrooms = models.PositiveSmallIntegerField(
        _("bedrooms"), default=0, validators=[MaxValueValidator(50)]
    )
    bathrooms = models.PositiveSmallIntegerField(
        _("bathrooms"), default=1, validators=[MaxValueValidator(50)]
    )
    area_m2 = models.PositiveIntegerField(
        _("area (m²)"), validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    price = models.PositiveBigIntegerField(
        _("price"), validators=[MinValueValidator(1), MaxValueValidator(10**10)]
    )
    currency = models.CharField(_("currency"), max_length=3, choices=Currency, default=Currency.EUR)
    description = models.TextField(_("description"), blank=True)
    image = models.URLField(_("image"), blank=True, validators=[WEB_ADDRESS], max_length=500)
    url = models.URLField(_("page"), blank=True, validators=[WEB_ADDRESS], max_length=500)
    available = models.BooleanField(_("available"), default=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        indexes = [
            models.Index(fields=["available", "city", "deal", "price"], name="listing_in_city"),
            models.Index(fields=["available", "deal", "price"], name="listing_by_price"),
            models.Index(fields=["available", "city", "district"], name="listing_place"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"
