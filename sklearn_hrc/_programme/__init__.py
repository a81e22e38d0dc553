"""How many individuals of each cluster get each arm: the integer programme, as plain functions."""
