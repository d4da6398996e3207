"""Refusals of the upstream as errors of the front: the error, the field, and what another look adds."""
