"""Tests of the commands, with a policy that is fitted once."""
