"""What a user can mend ends a command with one sentence; anything else is our mistake, and fails loudly."""

from typing import Final

from alerts.lock import InUseError
from alerts.orders import OrdersError
from alerts.outbox_opening import OutboxError
from alerts.redis_program import EmbeddedRedisError
from daemon.assembly import StateError
from daemon.backtest import HistoryError
from daemon.evaluate_footage import FootageError
from daemon.hub import PullError
from daemon.probe import PictureError
from daemon.status_table import StatusError
from daemon.web import ListenError
from detectors.detection import DetectorError
from streams.frame import StreamError

TROUBLE: Final = (
    StatusError,
    StreamError,
    DetectorError,
    EmbeddedRedisError,
    InUseError,
    OutboxError,
    ListenError,
    OrdersError,
    StateError,
    FootageError,
    HistoryError,
    PullError,
    PictureError,
)
