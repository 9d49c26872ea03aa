"""`python -m aikyo` is `aikyo`."""

from .cli import main

main()
