"""``python -m vmap_theory`` is the command ``vmap-theory``."""

from .cli import main

main()
