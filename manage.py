#!/usr/bin/env python
"""The command ``liveblog``, in a work tree."""

from liveblog.__main__ import main

if __name__ == "__main__":
    main()
