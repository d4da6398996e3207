"""localtwins: an embedded service that answers as Azure Digital Twins does."""
