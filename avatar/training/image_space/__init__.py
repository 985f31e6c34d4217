"""Variant N: portraits moved by a network in image space, without a surface (an ablation)."""
