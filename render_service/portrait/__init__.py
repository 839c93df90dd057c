"""From a photo to landmarks, head frame, matte and layers: one file a concern."""
