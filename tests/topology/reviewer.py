"""A member of the staff who logs in as a browser does."""

from __future__ import annotations

import re

import httpx


async def reviewer_cookies(base_url: str, password: str, *, tls: bool = True) -> str:
    """Those of the administrator. Browsers send them over HTTPS alone, so httpx does not.

    ``tls``: there is a proxy between, whose visitors came by HTTPS as far as Django knows.
    """
    async with httpx.AsyncClient(base_url=base_url, timeout=30) as browser:
        page = await browser.get("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None
        done = await browser.post(
            "/accounts/login/",
            data={"csrfmiddlewaretoken": token[1], "login": "admin", "password": password},
            headers={
                "Cookie": _cookies_of(browser),
                "Origin": base_url.replace("http://", "https://") if tls else base_url,
            },
        )
        assert done.status_code == 302, done.text
        return _cookies_of(browser)


def _cookies_of(browser: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
