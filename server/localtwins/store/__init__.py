"""Keeps models, digital twins and relationships in SQLite."""
