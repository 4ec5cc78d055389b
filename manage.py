#!/usr/bin/env python
"""Django's command line, with a bad setting reported in one line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"liveblog: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
