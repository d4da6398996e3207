"""What the upstream refuses, as errors of the front: which error, which field, and what another look adds."""
