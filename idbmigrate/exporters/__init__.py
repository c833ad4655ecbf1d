"""Target tables become files: CSV, XML, Parquet and Access, in a folder that appears whole or not at all."""
