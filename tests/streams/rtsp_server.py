"""A real RTSP camera for tests: GStreamer's server, run by the system's own python, which has `gi`.

Usage: /usr/bin/python3 rtsp_server.py '{"port": 0, "clips": {"/a": "a.h264"}, ...}'
A clip is an elementary stream with access unit delimiters, played in an endless loop at 25 pictures a second.
Prints its port once it listens.
"""

# `gi` has no types, and is not in the environment that is checked.
# mypy: ignore-errors

import json
import sys
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstApp, GstRtsp, GstRtspServer  # noqa: E402, F401

FPS = 25
DELIMITER = {".h264": b"\x00\x00\x00\x01\x09", ".h265": b"\x00\x00\x00\x01\x46\x01"}
LAUNCH = {
    ".h264": "( appsrc name=clip is-live=true format=time caps=video/x-h264,stream-format=byte-stream,"
    "alignment=au,framerate=25/1 ! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 )",
    ".h265": "( appsrc name=clip is-live=true format=time caps=video/x-h265,stream-format=byte-stream,"
    "alignment=au,framerate=25/1 ! h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1 )",
}


def access_units(clip: Path) -> list[bytes]:
    """The pictures of an elementary stream."""
    mark = DELIMITER[clip.suffix]
    return [mark + unit for unit in clip.read_bytes().split(mark)[1:]]


class Loop(GstRtspServer.RTSPMediaFactory):
    """One camera: a clip without end, shared by all who look."""

    def __init__(self, clip: Path) -> None:
        super().__init__()
        self.units = access_units(clip)
        self.launch = LAUNCH[clip.suffix]
        self.set_shared(True)

    def do_create_element(self, url):
        pipeline = Gst.parse_launch(self.launch)
        source = pipeline.get_by_name("clip")
        sent = 0

        def push(source, _wanted) -> None:
            nonlocal sent
            buffer = Gst.Buffer.new_wrapped(self.units[sent % len(self.units)])
            buffer.pts = buffer.dts = sent * Gst.SECOND // FPS
            buffer.duration = Gst.SECOND // FPS
            sent += 1
            source.emit("push-buffer", buffer)

        source.connect("need-data", push)
        return pipeline


def main() -> None:
    wanted = json.loads(sys.argv[1])
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(wanted["port"]))
    protocols = {"tcp": GstRtsp.RTSPLowerTrans.TCP, "udp": GstRtsp.RTSPLowerTrans.UDP}
    guarded = wanted.get("password") is not None
    if guarded:
        digest = wanted.get("auth") == "digest"
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST if digest else GstRtsp.RTSPAuthMethod.BASIC)
        token = GstRtspServer.RTSPToken()
        token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
        if digest:
            auth.add_digest(wanted["user"], wanted["password"], token)
        else:
            auth.add_basic(GstRtspServer.RTSPAuth.make_basic(wanted["user"], wanted["password"]), token)
        if wanted.get("certificate"):
            from gi.repository import Gio

            auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(*wanted["certificate"]))
        server.set_auth(auth)
    for path, clip in wanted["clips"].items():
        factory = Loop(Path(clip))
        if wanted.get("protocol"):
            factory.set_protocols(protocols[wanted["protocol"]])
        if guarded:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(path, factory)
    if not server.attach(None):
        sys.exit(f"cannot listen on port {wanted['port']}")
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
