"""The command ``liveblog``, which ``manage.py`` is too: Django's command line, with a bad setting told in one line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config import installation
from liveblog import __version__


def main() -> None:
    """Carry out what stands on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:] in (["--version"], ["version"]):  # Django would name its own
        print(__version__)
        return
    try:
        # Not as it was called: Django takes __main__.py for its own in what it prints about usage.
        execute_from_command_line([installation.PROGRAM, *sys.argv[1:]])
    except ImproperlyConfigured as error:
        sys.exit(f"liveblog: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
