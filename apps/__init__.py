"""What people start: the chat page and the `limner` command."""
