"""The waist: what Stowage is about, without HTTP, SQL or SDKs."""
