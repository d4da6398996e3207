"""A managed identity for the programs on this machine, so that DefaultAzureCredential gives them a token unchanged."""
