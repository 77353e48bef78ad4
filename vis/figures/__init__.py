"""Arrays and dataclasses in, pictures out: one normalisation, one palette."""
