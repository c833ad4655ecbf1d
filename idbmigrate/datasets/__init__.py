"""What a data set is: tables, columns, formats, national codes, keys."""
