"""`python -m service.cli` is `genrelab`."""

from service.cli import main

main()
