"""``python -m voicechat.healthcheck http://127.0.0.1:8000/readyz``: whether an instance answers, for Docker.

Any answer below 500 will do. Standard library only: it runs every few seconds.
"""

from __future__ import annotations

import sys
from urllib.error import HTTPError
from urllib.request import urlopen

PATIENCE_S = 3


def main() -> None:
    try:
        with urlopen(sys.argv[1], timeout=PATIENCE_S):  # noqa: S310 (the operator's own address)
            return
    except HTTPError as error:
        if error.code >= 500:
            sys.exit(f"It answers {error.code}.")
    except OSError as error:
        sys.exit(f"It does not answer: {error}")


if __name__ == "__main__":
    main()
