"""Bounds what one caller may take, so that others have theirs."""
