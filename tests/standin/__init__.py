"""A strict stand-in for Amazon Bedrock over HTTP, with moto for S3 and STS. It proves shapes and flow, never AWS."""
