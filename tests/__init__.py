"""The tests; the layout follows that of the package."""
