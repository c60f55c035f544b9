"""Tests of the pages: their examples run as doctests, and the extension's modules find each other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
