"""Criteria for the clipping level, a file each: slope, inflection, saddle-node, finite width."""
