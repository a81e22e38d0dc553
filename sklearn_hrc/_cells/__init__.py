"""Mergeable statistics of cells, and estimates of response and cost from them."""
