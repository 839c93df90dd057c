"""Files of strangers in, the finished video out: songs, pictures, encoding and joining."""
