"""Events: the notification that the change log has of each write, and its delivery along event routes."""
