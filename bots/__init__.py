"""Front ends and what they share: chat in, plain data out."""
