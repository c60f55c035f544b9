"""Trained nets that confirm or refute what `vmap_theory` predicts: one file for each claim, under `claims`.

``python -m validation --list`` names the claims, ``--smoke`` runs the quick ones, ``--claim NAME`` runs one.
"""
