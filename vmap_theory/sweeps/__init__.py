"""Sweeps: one function over many items, on any number of processes or machines, resumable."""

from .run import run_sweep as run_sweep
