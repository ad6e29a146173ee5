"""From a fresh checkout to a running library, and whether it is well."""
