"""What each arm gives in each cell: mergeable statistics and estimates from them."""
