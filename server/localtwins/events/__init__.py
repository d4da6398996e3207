"""Events: what the change log says of each write, and its delivery along event routes."""
