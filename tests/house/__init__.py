"""The rules of the house, read from its source alone: nothing of it is imported or run."""
