"""The official SDK made slim: its pipeline and credential, and what is seen of an answer before the SDK reads it."""
