"""Commands on files, for those who have a table and no Python."""
