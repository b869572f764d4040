"""Where decoding children are born: a small process that has `av` loaded and forks a child when asked.

The standard library's fork server is not used, because each of its children imports the daemon's main
module again and speaks pickle. This one shares its loaded libraries with all children (each costs about
8 MB less), hands the parent a pidfd, so that no other process can be killed by mistake, and dies with the
daemon, however the daemon dies: its end of the line closes, it leaves, and the kernel takes its children.
"""

import array
import asyncio
import atexit
import contextlib
import ctypes
import errno
import gc
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

MEMORY_LIMIT = 2 * 1024**3  # bytes of address space a child may take
OPEN_FILES_LIMIT = 64
START_TIMEOUT = 30.0  # seconds until a fork server that does not answer is replaced
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
# What an interpreter, and FFmpeg behind a proxy, need of the daemon's environment; the rest may be secret.
_NEEDED = {"PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "TZ", "LANG", "http_proxy", "no_proxy"}
_NEEDED_FAMILIES = ("PYTHON", "LC_")
# glibc gives the memory of a picture back at once, and to fetch it anew, page by page, costs a child as much
# as to convert the picture. So it keeps what is not larger than this.
_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(4 * 1024**2), "MALLOC_TRIM_THRESHOLD_": str(8 * 1024**2)}
_ENDED = {signal.SIGCHLD}

_lock = threading.Lock()
_server: "tuple[subprocess.Popen[bytes], socket.socket] | None" = None


async def fork(channel: socket.socket, memory: int) -> int:
    """Bears a child that serves `channel` and writes pictures into `memory` (a memfd); returns its pidfd.

    The child leaves by itself where the other end of `channel` is closed before a job is sent. Raises OSError
    where none can be born: processes, memory or open files have run out, or the fork server dies at once.
    """
    # A thread of its own: a birth that fails here leaves no order behind that names closed descriptors.
    midwife = ThreadPoolExecutor(1, "birth")
    try:
        birth = asyncio.get_running_loop().run_in_executor(midwife, _fork, channel.fileno(), memory)
    except RuntimeError:
        raise OSError(errno.EAGAIN, "no thread can be started") from None
    finally:
        midwife.shutdown(wait=False)
    try:
        return await asyncio.shield(birth)
    except asyncio.CancelledError:
        birth.add_done_callback(_forget)
        # The descriptors must live until they have been passed on.
        await asyncio.wait([birth])
        raise


def _forget(birth: "asyncio.Future[int]") -> None:
    if not birth.cancelled() and birth.exception() is None:
        os.close(birth.result())


def stop() -> None:
    """Ends the fork server, and with it every child. The next fork starts another."""
    global _server
    with _lock:
        if _server is not None:
            process, line = _server
            _server = None
            line.close()
            process.wait()


atexit.register(stop)


def _fork(channel: int, memory: int) -> int:
    global _server
    with _lock:
        for _ in range(2):
            if _server is None:
                _server = _start()
            process, line = _server
            try:
                return _ask(line, channel, memory)
            except (ConnectionError, TimeoutError):  # killed (out of memory, an operator): start another
                line.close()
                process.kill()
                process.wait()
                _server = None
    raise ConnectionError("the process that starts decoding children dies as soon as it is asked")


def _ask(line: socket.socket, channel: int, memory: int) -> int:
    rights = array.array("i", [channel, memory])
    line.sendmsg([b"fork"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    answer, descriptors, _, _ = socket.recv_fds(line, 16, 1)
    if not answer:
        raise ConnectionResetError
    if not descriptors:  # none was born, or its pidfd did not fit in here any more
        number = int(answer) or errno.EMFILE
        raise OSError(number, os.strerror(number))
    return descriptors[0]


def _start() -> tuple[subprocess.Popen[bytes], socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, contextlib.ExitStack() as failed:
        failed.callback(ours.close)
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-m", "streams.forkserver", str(theirs.fileno())],
            cwd=Path(__file__).parents[1],  # where this package is found, installed or not
            env=_environment(),
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # where some commands print JSON; mistakes go to stderr
            start_new_session=True,  # Ctrl-C in a terminal is for the daemon, which ends its children itself
        )
        failed.pop_all()
    ours.settimeout(START_TIMEOUT)
    return process, ours


def _environment() -> dict[str, str]:
    """The daemon's, without the passwords and tokens that a config file may name there."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _NEEDED or name.startswith(_NEEDED_FAMILIES)
    }
    return kept | _MEMORY


def _serve(line: socket.socket) -> None:
    import streams.decoder  # noqa: F401 - loaded here once; the daemon itself never loads it, nor `av`

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, _reap)
    gc.collect()
    gc.freeze()  # what is loaded now stays shared: no child's collector touches it
    server = os.getpid()
    while True:
        request, descriptors, _, _ = socket.recv_fds(line, 16, 2)
        if not request:
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDED)  # until its pidfd is open, nobody reaps the child
        try:
            pidfd = _bear(line, descriptors, server)
        except OSError as lack:  # of processes, memory or open files: who is born already lives on
            line.send(b"%d" % (lack.errno or errno.EAGAIN))
        else:
            socket.send_fds(line, [b"0"], [pidfd])
            os.close(pidfd)
        for descriptor in descriptors:
            os.close(descriptor)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDED)


def _bear(line: socket.socket, descriptors: list[int], server: int) -> int:
    if len(descriptors) < 2:  # the rest did not fit in here any more
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    channel, memory = descriptors
    child = os.fork()
    if child == 0:
        _live(line, channel, memory, server)
    try:
        return os.pidfd_open(child)
    except OSError:
        os.kill(child, signal.SIGKILL)
        raise


def _live(line: socket.socket, channel: int, memory: int, server: int) -> NoReturn:
    """The whole life of a child."""
    from streams import decoder

    try:
        line.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDED)
        _confine(server)
        decoder.run(socket.socket(fileno=channel), memory)
    except BaseException as mistake:  # noqa: BLE001 - nothing may climb back into the server's own loop
        # Without the exception's text: a library may have put the address, with its password, into it.
        with contextlib.suppress(OSError):  # it may write no file, and that may be where this goes
            traceback.print_tb(mistake.__traceback__)
            print(f"the decoding child died: {type(mistake).__name__}", file=sys.stderr)
        os._exit(1)
    os._exit(0)


def _reap(*_: object) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _confine(server: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it died before the line above
        os._exit(0)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES_LIMIT, OPEN_FILES_LIMIT))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _prctl(_PR_SET_DUMPABLE, 0)  # its memory, with the camera's password, is closed to the other children


def _prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)  # the kernel looks at all five
    if ctypes.CDLL(None, use_errno=True).prctl(option, ctypes.c_ulong(value), zero, zero, zero):
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
