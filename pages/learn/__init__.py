"""Ideas between the architectures, each as an experiment."""
