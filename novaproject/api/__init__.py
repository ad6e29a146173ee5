"""What holds for every API address: errors, the browsable pages, the schema with its examples."""
