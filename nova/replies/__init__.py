"""What a model answered, as valid results: pure, from text to merged values."""
