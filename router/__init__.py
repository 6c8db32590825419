"""Receives, decides, seals, stores and shows concerns; never speaks to the outside."""
