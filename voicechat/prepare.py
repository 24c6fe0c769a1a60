"""``python -m voicechat.prepare``: what has to be there before instances start, made once.

Settings that do not fit together are refused first, for all instances alike. Made are the tables, on
the first time the demo and the administrator, and the bucket of recordings. It can be run again at
any time; a deployment runs it before each new version.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voicechat.settings")
    import django  # noqa: PLC0415 (only now are there settings to be read)
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.db import Error  # noqa: PLC0415
    from environs import EnvError  # noqa: PLC0415

    try:
        django.setup()
        from conversations import media  # noqa: PLC0415
        from voicechat.first_start import (  # noqa: PLC0415
            prepare_database,
            require_fitting_settings,
        )

        require_fitting_settings()
        login = prepare_database()
        media.prepare()
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"A setting is wrong: {error}")
    except Error as error:
        sys.exit(f"The database cannot be used: {error}")
    except OSError as error:
        sys.exit(f"The store of recordings cannot be used: {error}")
    if login is not None and login.password is not None:
        sys.exit(
            f"The administrator {login.username} was made with a password that nobody knows, as "
            "DJANGO_SUPERUSER_PASSWORD is not set. 'manage.py changepassword' sets another."
        )


if __name__ == "__main__":
    main()
