"""Between messages and JSON: each module turns one kind of message into the JSON of Azure Digital Twins and back."""
