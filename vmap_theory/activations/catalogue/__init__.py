"""One file a family, data only: expression, parameters, source, limits.  The file's name is the family's name."""
