"""Sources of changes: the log of localtwins, an Event Hub, a Kafka topic, all behind one protocol."""
