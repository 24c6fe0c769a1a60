"""Django's settings. What an operator may change is read in ``environment.py``."""

from __future__ import annotations

from typing import Any

import django_stubs_ext
from django.utils.translation import gettext_lazy as _

from feed.layers import redis_layer

from . import environment
from .environment import BASE_DIR, DATA_DIR
from .logs import logging_settings
from .media_place import Bucket
from .shared_cache import shared_cache

# Django's generic classes take their type arguments at run time too.
django_stubs_ext.monkeypatch()

DEBUG = environment.DEBUG
SECRET_KEY = environment.SECRET_KEY
ALLOWED_HOSTS = environment.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = environment.CSRF_TRUSTED_ORIGINS

INSTALLED_APPS = [
    # First, so that its templates and styles come before those of the libraries.
    "voicechat",
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "servestatic",
    "allauth",
    "allauth.account",
    "accounts",
    "dialogue",
    "dialogue.listings",
    "conversations",
    "chat",
    "speech_api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "voicechat.headers.SecurityHeadersMiddleware",
]

ROOT_URLCONF = "voicechat.urls"
ASGI_APPLICATION = "voicechat.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- what is kept -----------------------------------------------------------------------------

CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 15_000
VANISHED_MS = 20_000

_database: dict[str, Any] = dict(environment.DATABASE)
# Every turn holds the conversation's row for a moment. IMMEDIATE takes SQLite's write lock at the
# start of a transaction, where waiting works; upgrading a read lock later fails at once.
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # What is deleted is overwritten with zeros: conversations/retention/scrubbing.py.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
    }
    # Closing the last connection writes the whole log back to the file, at 20 ms a time: keep them.
    _database["CONN_MAX_AGE"] = None
else:
    # Under ASGI a persistent connection would belong to a thread, not to a request (pitfall 3). Those
    # threads that keep one for a moment (conversations/database.py) look first whether it still works.
    _database["CONN_MAX_AGE"] = 0
    _database["CONN_HEALTH_CHECKS"] = True
    # A database that hangs must not hold a thread, and so all turns behind it, for ever; nor one whose
    # machine has vanished. Of options given twice PostgreSQL takes the last: what DATABASE_URL says wins.
    if _database["ENGINE"] == "django.db.backends.postgresql":
        _database["ENGINE"] = "conversations.postgresql"
    _options = _database.get("OPTIONS", {})
    _database["OPTIONS"] = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "tcp_user_timeout": VANISHED_MS,
        "keepalives_idle": VANISHED_MS // 2_000,
        "keepalives_interval": 5,
        "keepalives_count": 2,
        **_options,
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} {_options.get('options', '')}".strip(),
    }
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Nobody but the server's own user reads what people said.
RECORDINGS: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"directory_permissions_mode": 0o700, "file_permissions_mode": 0o600},
}
# What pages may play sound from beside this site itself.
VOICECHAT_MEDIA_ORIGIN = ""
if isinstance(environment.MEDIA, Bucket):
    MEDIA_ROOT = DATA_DIR / "media"
    RECORDINGS = {
        "BACKEND": "conversations.object_store.ObjectStore",
        "OPTIONS": {
            "bucket_name": environment.MEDIA.name,
            "location": environment.MEDIA.prefix,
            "endpoint_url": environment.MEDIA.endpoint,
            "public_url": environment.MEDIA.public or None,
            "region_name": environment.MEDIA.region,
            "access_key": environment.MEDIA_ACCESS_KEY or None,
            "secret_key": environment.MEDIA_SECRET_KEY or None,
        },
    }
    # Where the server in front fetches the sound, browsers do not know of the store.
    if not environment.X_ACCEL_REDIRECT:
        VOICECHAT_MEDIA_ORIGIN = environment.MEDIA.origin
else:
    MEDIA_ROOT = environment.MEDIA

# Names of channels and caches are shared by all instances of one deployment.
CHANNEL_LAYERS: dict[str, Any] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "voicechat"}
}

if environment.REDIS_URL:
    CHANNEL_LAYERS["default"] = redis_layer(environment.REDIS_URL)
    CACHES["default"] = shared_cache(environment.REDIS_URL)

# --- who is there -----------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "chat"
LOGOUT_REDIRECT_URL = "chat"

ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = LOGOUT_REDIRECT_URL
ACCOUNT_SESSION_REMEMBER = True
# Signing up must not tell which addresses have an account.
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_RATE_LIMITS = {"login_failed": "20/m/ip,5/5m/key", "signup": "20/m/ip"}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_HSTS_SECONDS = environment.HSTS_SECONDS
SECURE_SSL_REDIRECT = environment.SSL_REDIRECT
# We serve one host: what holds for the rest of its domain, or for ever, is not ours to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if environment.TRUST_PROXY:
    # The proxy ends TLS, and sends people to HTTPS. Browsers are told to stay there when the operator
    # says so: a server that is tried out under "localhost" would take all other servers there along.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    ALLAUTH_TRUSTED_PROXY_COUNT = 1

_email = environment.EMAIL
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email["EMAIL_HOST"]
EMAIL_PORT = _email["EMAIL_PORT"]
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = _email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = _email["EMAIL_USE_SSL"]
DEFAULT_FROM_EMAIL = environment.DEFAULT_FROM_EMAIL

# --- pages ------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = environment.STATIC_ROOT
SERVESTATIC_USE_FINDERS = DEBUG
SERVESTATIC_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "recordings": RECORDINGS,
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "voicechat.static_storage.ModuleManifestStorage"
    },
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "voicechat" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- what talks -------------------------------------------------------------------------------

VOICECHAT_DATA_DIR = DATA_DIR
VOICECHAT_SUPERUSER_PASSWORD = environment.SUPERUSER_PASSWORD
VOICECHAT_REDIS_URL = environment.REDIS_URL
VOICECHAT_INSTANCES = environment.INSTANCES
VOICECHAT_WORKERS = environment.WORKERS
VOICECHAT_MEDIA_IS_SHARED = environment.MEDIA_IS_SHARED
VOICECHAT_SECRET_KEY_IS_LOCAL = environment.SECRET_KEY_IS_LOCAL
VOICECHAT_TRUST_PROXY = environment.TRUST_PROXY
VOICECHAT_TRUSTED_PROXIES = environment.TRUSTED_PROXIES
VOICECHAT_RATE_LIMITS = environment.RATE_LIMITS
VOICECHAT_SOCKET_LIMITS = environment.SOCKET_LIMITS
VOICECHAT_REPLY_LIMIT = environment.REPLY_LIMIT
VOICECHAT_METRICS_TOKEN = environment.METRICS_TOKEN
VOICECHAT_ALLOW_GUESTS = environment.ALLOW_GUESTS
VOICECHAT_ALLOWED_ORIGINS = environment.ALLOWED_ORIGINS
VOICECHAT_TELEPHONE_TOKENS = environment.TELEPHONE_TOKENS
VOICECHAT_TWILIO_AUTH_TOKEN = environment.TWILIO_AUTH_TOKEN
VOICECHAT_DIALOGUE = environment.DIALOGUE
VOICECHAT_STT = environment.STT
VOICECHAT_STT_OPTIONS: dict[str, dict[str, Any]] = {
    "pocketsphinx": {"processes": environment.STT_PROCESSES or None},
    "faster-whisper": {
        "model": environment.WHISPER_MODEL,
        "device": environment.WHISPER_DEVICE,
        "compute_type": environment.WHISPER_COMPUTE_TYPE,
    },
    "openai": {
        "base_url": environment.STT_URL,
        "api_key": environment.STT_KEY,
        "model": environment.STT_MODEL,
    },
}
# Answers are begun while it is not sure yet that the person has ended; some are thrown away.
VOICECHAT_SPECULATE = environment.SPECULATE
VOICECHAT_DRAIN_S = environment.DRAIN_S
VOICECHAT_DIALOGUE_TIMEOUT_S = environment.DIALOGUE_TIMEOUT_S
VOICECHAT_OPENAI_BASE_URL = environment.OPENAI_BASE_URL
VOICECHAT_OPENAI_MODEL = environment.OPENAI_MODEL
VOICECHAT_OPENAI_API_KEY = environment.OPENAI_API_KEY
VOICECHAT_OPEN_METEO_URL = environment.OPEN_METEO_URL
VOICECHAT_RECORD = environment.RECORD
VOICECHAT_KEEP_SOUND_DAYS = environment.KEEP_SOUND_DAYS
VOICECHAT_KEEP_TEXT_DAYS = environment.KEEP_TEXT_DAYS
VOICECHAT_X_ACCEL_REDIRECT = environment.X_ACCEL_REDIRECT
VOICECHAT_TTS = environment.TTS_ENGINES
VOICECHAT_TTS_OPTIONS: dict[str, dict[str, Any]] = {"gtts": {"base_url": environment.GTTS_URL}}
VOICECHAT_AUDIO_LEAD_MS = environment.AUDIO_LEAD_MS

LOGGING = logging_settings(environment.LOG_FORMAT, environment.LOG_LEVEL)
