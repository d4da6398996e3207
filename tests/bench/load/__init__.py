"""Programs that call, in processes of their own, so that servers have the other processor for themselves."""
