"""An alert message read back, under the names that channels use."""

from alerts.client import Alert as Received
from alerts.client import MessageError, read

__all__ = ["MessageError", "Received", "read"]
