"""`python -m` on this package is its command line."""

from .cli import main

if __name__ == "__main__":
    main()
