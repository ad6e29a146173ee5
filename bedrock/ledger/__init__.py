"""The ledger: money reserved, paid and summed up."""
