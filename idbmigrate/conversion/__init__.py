"""One conversion: options, the road of a file, several files in a call, the output folder."""
