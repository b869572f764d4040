"""An alert message read back, under the names that channels use."""

from alerts.client import Alert as Received
from alerts.client import Gathered, Member, MessageError, read

__all__ = ["Gathered", "Member", "MessageError", "Received", "read"]
