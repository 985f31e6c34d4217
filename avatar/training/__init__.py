"""Offline training code of the avatar; never imported by serving code."""
