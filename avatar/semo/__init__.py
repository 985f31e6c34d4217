"""SeMo: a portrait moved by motion tokens (Semantic Latent Motion, arXiv 2503.10096)."""
