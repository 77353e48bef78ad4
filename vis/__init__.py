"""Numbers and pictures of what a network does; knows nothing of pages, nor of any language."""
