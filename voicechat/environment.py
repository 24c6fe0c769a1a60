"""What the operator sets, read once and checked: every environment variable stands here.

Values come from the process environment, else from ``.env`` in the data directory (written by
``make run`` on its first start). A secret ``NAME`` may lie in a file that ``NAME_FILE`` names. A wrong
value stops the start with the name of the variable.
"""

from __future__ import annotations

import functools
import os
import re
from ipaddress import ip_network
from pathlib import Path

import dj_database_url
import dj_email_url
from django.core.exceptions import ImproperlyConfigured
from environs import Env
from limits import RateLimitItem
from limits import parse as parse_rate
from marshmallow import validate

from .media_place import media_place
from .secret_files import read_secret

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()

DATA_DIR = Path(env.str("VOICECHAT_DATA_DIR", str(BASE_DIR / "var"))).resolve()
SECRET_KEY_IS_LOCAL = not any(
    os.environ.get(name) for name in ("DJANGO_SECRET_KEY", "DJANGO_SECRET_KEY_FILE")
)
env.read_env(DATA_DIR / ".env", recurse=False)
secret = functools.partial(read_secret, env.str)

DEBUG = env.bool("DJANGO_DEBUG", False)
SECRET_KEY = secret("DJANGO_SECRET_KEY")
ALLOWED_HOSTS: list[str] = env.list("DJANGO_ALLOWED_HOSTS", [])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("DJANGO_CSRF_TRUSTED_ORIGINS", [])
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "DJANGO_SECRET_KEY is not set. 'make run' generates one; for a deployment set it to 50 "
        "random characters."
    )
if not DEBUG and not ALLOWED_HOSTS:
    raise ImproperlyConfigured(
        "DJANGO_ALLOWED_HOSTS is not set. Name the hosts this server answers to, separated by "
        "commas, or set DJANGO_DEBUG=1 on your own machine."
    )

_DATABASE_URL = secret("DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")
try:
    DATABASE = dj_database_url.parse(_DATABASE_URL)
except (ValueError, KeyError):
    # Not from it: it quotes what may hold a password.
    raise ImproperlyConfigured(
        "DATABASE_URL is no address of a database, such as postgres://user:password@host:5432/name."
    ) from None
REDIS_URL = secret("REDIS_URL")
if not re.match(r"$|(rediss?|unix)://", REDIS_URL):
    raise ImproperlyConfigured("REDIS_URL is no URL of a Redis, such as redis://localhost:6379/0.")
# A directory, or a bucket of an S3 store: docs/operations.md, Sound.
MEDIA = media_place(env.str("VOICECHAT_MEDIA", ""), DATA_DIR / "media")
# Without them the store's client looks where Amazon's tools look.
MEDIA_ACCESS_KEY = secret("VOICECHAT_MEDIA_ACCESS_KEY")
MEDIA_SECRET_KEY = secret("VOICECHAT_MEDIA_SECRET_KEY")
if bool(MEDIA_ACCESS_KEY) != bool(MEDIA_SECRET_KEY):
    raise ImproperlyConfigured(
        "VOICECHAT_MEDIA_ACCESS_KEY and VOICECHAT_MEDIA_SECRET_KEY belong together; one is not set."
    )
# Where collected static files are; an image brings them along.
STATIC_ROOT = Path(env.str("VOICECHAT_STATIC_ROOT", str(DATA_DIR / "static")))
# How many share the database, Redis and the store; and how many processes each of them starts (uvicorn
# reads the same variable). Only checks look at them: docs/operations.md.
INSTANCES = env.int("VOICECHAT_INSTANCES", 1, validate=validate.Range(min=1))
WORKERS = env.int("WEB_CONCURRENCY", 1, validate=validate.Range(min=1))
MEDIA_IS_SHARED = env.bool("VOICECHAT_MEDIA_IS_SHARED", False)

TRUST_PROXY = env.bool("VOICECHAT_TRUST_PROXY", False)
# Networks whose X-Forwarded-For is believed; none: that of the one proxy that TRUST_PROXY stands for.
_PROXIES: list[str] = env.list("VOICECHAT_TRUSTED_PROXIES", [])
try:
    TRUSTED_PROXIES = [ip_network(proxy.strip()) for proxy in _PROXIES if proxy.strip()]
except ValueError as error:
    raise ImproperlyConfigured(
        "VOICECHAT_TRUSTED_PROXIES: addresses or networks such as 10.0.0.0/8, separated by commas; "
        f"{error}."
    ) from error
# For how long browsers are told to come by HTTPS only, and whether those that come by HTTP are sent
# there. Where a proxy ends TLS, both are its part.
HSTS_SECONDS = env.int("VOICECHAT_HSTS_SECONDS", 0, validate=validate.Range(min=0))
SSL_REDIRECT = env.bool("VOICECHAT_SSL_REDIRECT", False)
# The internal location at which nginx serves the recordings: docs/review.md, Sound.
X_ACCEL_REDIRECT = env.str(
    "VOICECHAT_X_ACCEL_REDIRECT",
    "",
    validate=validate.Regexp(
        r"$|/([\w.-]+/)+$", error="This is no internal location of nginx, such as /recordings/."
    ),
)

ALLOW_GUESTS = env.bool("VOICECHAT_ALLOW_GUESTS", True)
_ORIGINS: list[str] = env.list("VOICECHAT_ALLOWED_ORIGINS", [])
ALLOWED_ORIGINS = [origin.strip().rstrip("/").lower() for origin in _ORIGINS if origin.strip()]
EMAIL = dj_email_url.parse(secret("EMAIL_URL", "console://" if DEBUG else "smtp://localhost:25"))
if "EMAIL_BACKEND" not in EMAIL:
    raise ImproperlyConfigured("EMAIL_URL is no address of a mail server, such as smtp://host:25.")
# Of the administrator that a first start makes; without it one is made up and shown.
SUPERUSER_PASSWORD = secret("DJANGO_SUPERUSER_PASSWORD")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "voicechat@localhost")
LOG_LEVEL = env.str(
    "VOICECHAT_LOG_LEVEL",
    "INFO",
    validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]),
)

# text: for people; json: an object a line, with the ids of conversation, call and turn.
LOG_FORMAT = env.str(
    "VOICECHAT_LOG_FORMAT",
    "text",
    validate=validate.OneOf(["text", "json"], error="This is none of: text, json."),
)


# What may be taken up at most, "none" for no limit: docs/limits.md.
def _rate(name: str, default: str) -> RateLimitItem | None:
    text = env.str(name, default)
    if text.strip().lower() == "none":
        return None
    try:
        return parse_rate(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is no rate such as {default}, and not none.") from error


def _most(name: str, default: int) -> int | None:
    text = env.str(name, str(default)).strip().lower()
    if text == "none":
        return None
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise ImproperlyConfigured(f"{name} is no number such as {default}, and not none.")
    return int(text)


RATE_LIMITS = {
    (what, whose): _rate(f"VOICECHAT_LIMIT_{what}_PER_{whose}".upper(), default)
    for what, whose, default in (
        ("connects", "person", "120/minute"),
        ("connects", "address", "1200/minute"),
        ("turns", "person", "240/minute"),
        ("turns", "address", "6000/minute"),
        ("audio_seconds", "person", "28800/hour"),
        ("audio_seconds", "address", "720000/hour"),
        ("bytes", "person", "4000000000/hour"),
        ("bytes", "address", "100000000000/hour"),
        ("refused_keys", "address", "60/minute"),
    )
}
SOCKET_LIMITS = {
    whose: _most(f"VOICECHAT_LIMIT_SOCKETS_PER_{whose}".upper(), default)
    for whose, default in (("person", 50), ("address", 2000), ("process", 5000))
}
REPLY_LIMIT = _most("VOICECHAT_LIMIT_REPLIES_PER_PROCESS", 500)

# How telephone services are admitted: docs/security.md, Telephones.
_TOKENS = secret("VOICECHAT_TELEPHONE_TOKENS").split(",")
TELEPHONE_TOKENS = [token.strip() for token in _TOKENS if token.strip()]
if not all(re.fullmatch(r"[A-Za-z0-9_-]{16,200}", token) for token in TELEPHONE_TOKENS):
    raise ImproperlyConfigured(
        "VOICECHAT_TELEPHONE_TOKENS: each token has 16 to 200 letters, digits, - or _, as it stands "
        "in an address. 'openssl rand -hex 24' makes one."
    )
TWILIO_AUTH_TOKEN = secret("VOICECHAT_TWILIO_AUTH_TOKEN")

# Who may see /metrics: docs/watching.md. Empty: this machine alone.
METRICS_TOKEN = secret("VOICECHAT_METRICS_TOKEN")
if not re.fullmatch(r"|[A-Za-z0-9_.~+/=-]{16,200}", METRICS_TOKEN):
    raise ImproperlyConfigured(
        "VOICECHAT_METRICS_TOKEN: 16 to 200 letters, digits and -._~+/= are needed. "
        "'openssl rand -hex 24' makes one."
    )

DIALOGUE = env.str("VOICECHAT_DIALOGUE", "builtin")
DIALOGUE_TIMEOUT_S = env.float(
    "VOICECHAT_DIALOGUE_TIMEOUT", 20.0, validate=validate.Range(min=0.1, max=600)
)
OPENAI_BASE_URL = env.str(
    "VOICECHAT_OPENAI_BASE_URL",
    "https://api.openai.com/v1",
    validate=validate.URL(require_tld=False),
)
OPENAI_MODEL = env.str("VOICECHAT_OPENAI_MODEL", "gpt-4o-mini")
OPENAI_API_KEY = secret("VOICECHAT_OPENAI_API_KEY")
OPEN_METEO_URL = env.str("VOICECHAT_OPEN_METEO_URL", "https://api.open-meteo.com")

# Whether sound is kept: docs/security.md, Recording.
RECORD = env.str(
    "VOICECHAT_RECORD",
    "always",
    validate=validate.OneOf(
        ["always", "ask", "never"], error="This is none of: always, ask, never."
    ),
)

# After how many days what was said is deleted, as sound and as text (None: never): docs/retention.md.
_DAYS = validate.Range(
    min=1,
    max=36_500,
    error="This is no number of days from 1 to 36500. To keep things for ever, leave it out.",
)
KEEP_SOUND_DAYS = env.int("VOICECHAT_KEEP_SOUND_DAYS", None, validate=_DAYS)
KEEP_TEXT_DAYS = env.int("VOICECHAT_KEEP_TEXT_DAYS", None, validate=_DAYS)

STT = env.str("VOICECHAT_STT", "pocketsphinx")
# 0: one less than there are cores.
STT_PROCESSES = env.int("VOICECHAT_STT_PROCESSES", 0, validate=validate.Range(min=0, max=256))
WHISPER_MODEL = env.str("VOICECHAT_WHISPER_MODEL", "small")
WHISPER_DEVICE = env.str(
    "VOICECHAT_WHISPER_DEVICE", "auto", validate=validate.OneOf(["auto", "cpu", "cuda"])
)
WHISPER_COMPUTE_TYPE = env.str("VOICECHAT_WHISPER_COMPUTE_TYPE", "default")
STT_URL = env.str(
    "VOICECHAT_STT_URL", "https://api.openai.com/v1", validate=validate.URL(require_tld=False)
)
STT_KEY = secret("VOICECHAT_STT_KEY")
STT_MODEL = env.str("VOICECHAT_STT_MODEL", "whisper-1")
TTS_ENGINES = env.list("VOICECHAT_TTS", ["gtts", "espeak"])
GTTS_URL = env.str("VOICECHAT_GTTS_URL", "https://translate.google.com")
# How long what goes on may take to come to its end when the server is asked to stop (SIGTERM).
DRAIN_S = env.float("VOICECHAT_DRAIN_TIMEOUT", 20.0, validate=validate.Range(min=0, max=3600))
SPECULATE = env.bool("VOICECHAT_SPECULATE", True)
AUDIO_LEAD_MS = env.int("VOICECHAT_AUDIO_LEAD_MS", 400, validate=validate.Range(min=50, max=5000))
