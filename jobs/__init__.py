"""Background work: jobs, batches, leases, progress, cancel and retry."""
