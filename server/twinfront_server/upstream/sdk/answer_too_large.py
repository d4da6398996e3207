"""The error of an answer that is too large; apart from what reads answers, which only HTTPS needs and loads slowly."""

from azure.core.exceptions import AzureError


class AnswerTooLargeError(AzureError):
    """An answer is larger than it may be, and was not read to its end."""
