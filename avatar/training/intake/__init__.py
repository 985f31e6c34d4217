"""One command for the nets that look at an uploaded picture: landmarks, second look, matte."""
