"""What is only here, taken elsewhere and back."""
