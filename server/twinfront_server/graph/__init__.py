"""Whole graphs: importing streams of items, and exporting what can be imported again."""
