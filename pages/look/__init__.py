"""Looking into a network with a picture."""
