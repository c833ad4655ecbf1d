"""The mapping language, held to the code: small tables drawn as text, run on every engine."""
