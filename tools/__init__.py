"""Commands for maintainers: recordings and figures that the documentation shows."""
