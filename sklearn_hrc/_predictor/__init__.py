"""Prediction of the outcomes under every arm, by networks and the members beside them."""
