"""From separated vocals and mix to a Performance: one file a concern."""
