"""Turns a song and a portrait into frames and sound; knows nothing of chats."""
