"""SQLite: where models, digital twins and relationships are kept."""
