"""Settings of the tests: the real ones, with a data directory and secrets of their own."""

import os
import tempfile

os.environ["VOICECHAT_DATA_DIR"] = tempfile.mkdtemp(prefix="voicechat-tests-")
os.environ["DJANGO_SECRET_KEY"] = "only-for-tests"
os.environ["DJANGO_ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
os.environ["DJANGO_DEBUG"] = "0"
os.environ["EMAIL_URL"] = "memory://"
os.environ["VOICECHAT_TTS"] = "espeak"

from voicechat.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"  # noqa: F405
SERVESTATIC_USE_FINDERS = SERVESTATIC_AUTOREFRESH = True
