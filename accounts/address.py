"""Where a visitor connects from, told from the ASGI scope. Proxies are believed only where the operator says so."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from django.conf import settings

FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip")
# A household or a host gets at least a /64 and may change addresses within it at will.
IPV6_PREFIX = 64
UNKNOWN = "unknown"

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(scope: Mapping[str, Any]) -> str:
    """The address that a visitor is counted by: IPv4, or the /64 of an IPv6; ``unknown`` if there is none.

    ``X-Forwarded-For`` counts only behind a proxy that is trusted: one of ``VOICECHAT_TRUSTED_PROXIES``
    or, where that is empty, the one proxy that ``VOICECHAT_TRUST_PROXY`` stands for. Of what it says the
    last address counts that is no trusted proxy: whatever stands before it, anybody can write.
    """
    peer = _parse((scope.get("client") or ("",))[0])
    trusted = settings.VOICECHAT_TRUSTED_PROXIES
    if trusted:
        hops = [peer, *reversed(_forwarded_for(scope))]
        foreign = (hop for hop in hops if hop is None or not any(hop in net for net in trusted))
        return _counted_by(next(foreign, hops[-1]))
    if settings.VOICECHAT_TRUST_PROXY:
        return _counted_by(next(reversed(_forwarded_for(scope)), peer))
    return _counted_by(peer)


def is_loopback(address: str) -> bool:
    """Whether what ``client_address`` has told is this machine."""
    if address == UNKNOWN:
        return False
    return ipaddress.ip_network(address).is_loopback


def address_of_stranger(scope: Mapping[str, Any]) -> str:
    """As ``client_address``, but empty for this machine, which is counted by nothing."""
    address = client_address(scope)
    return "" if is_loopback(address) else address


def is_this_machine(scope: Mapping[str, Any]) -> bool:
    """Whether the peer is on loopback and speaks for itself: nothing says that it was forwarded."""
    peer = _parse((scope.get("client") or ("",))[0])
    forwarded = any(name in FORWARDED for name, _ in scope["headers"])
    return peer is not None and peer.is_loopback and not forwarded


def _forwarded_for(scope: Mapping[str, Any]) -> list[_Address | None]:
    """The addresses of ``X-Forwarded-For`` in order; None where there is no address."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == FORWARDED[1]]
    return [_parse(part.strip()) for part in ",".join(lines).split(",")] if lines else []


def _parse(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _counted_by(address: _Address | None) -> str:
    if address is None:
        return UNKNOWN
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), IPV6_PREFIX), strict=False))
