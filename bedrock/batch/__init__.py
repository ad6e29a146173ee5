"""Batch jobs of Bedrock: the calls, and the files that go in and come out."""
