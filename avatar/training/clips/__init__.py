"""Real video for training: face tracks, filters, shards, self-supervised fine-tuning."""
