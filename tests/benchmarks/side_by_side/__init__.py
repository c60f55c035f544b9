"""Ours and other ways to compute Gaussian moments on the same points: ``python -m tests.benchmarks.side_by_side``.

The way of the data: `points` and `references` say what is asked and what is true, `methods` and the scripts in
`workers` answer, `table` compares, `record` keeps.
"""
