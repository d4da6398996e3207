"""The rules of Azure Digital Twins as plain functions over JSON documents: no HTTP, no SQL."""
