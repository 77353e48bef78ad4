"""How the weights that ship were made: `python -m models.train zfnet_mini --data ../shared/data`."""
