"""Ideas between the architectures, each computed plainly: the forward pass of one, and its backward pass beside it."""
