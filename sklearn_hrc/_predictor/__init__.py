"""Prediction of what every arm would give: networks, and what they are combined with."""
