"""What networks cost, in exact arithmetic."""
