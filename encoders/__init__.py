"""Raw content in, vectors out."""
