"""Figures and pictures that judge renderers of portraits (docs/evaluation.md)."""
