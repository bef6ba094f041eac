"""The command line of the HTTP server."""

from __future__ import annotations

import os
import pathlib
import socket
import sys
import threading

from rawserver import faults_answers, faults_content, faults_http, faults_process, faults_sse, violations_http
from rawserver.http_oauth import AuthorizationServer
from rawserver.http_site import Site
from rawserver.http_wire import serve
from rawserver.main import listing, parser, server_of, spoil

_BYTES = {"notification-flood", "progress-flood", "list-changed-flood", "unknown-notifications", "request-flood"}
_SHARED = {**faults_answers.FAULTS, **faults_content.FAULTS}
_DYING = {name: faults_process.FAULTS[name] for name in ("exit-mid-call", "kill-mid-call", "start-slow", "leave-file")}
KNOWN = {
    **faults_http.FAULTS,
    **faults_sse.FAULTS,
    **_DYING,
    **{name: fault for name, fault in _SHARED.items() if name not in _BYTES},
}


def options():
    """Return the command line's options."""
    made = parser("A small MCP server over HTTP with faults to switch on.")
    made.add_argument("--port-file", type=pathlib.Path, help="write the port there as well")
    made.add_argument("--token", help="refuse requests without this bearer token")
    made.add_argument("--oauth", type=float, metavar="SECONDS", help="give out tokens that last so long, and want one")
    made.add_argument("--oauth-fault", action="append", default=[], metavar="NAME", help="see http_oauth.py")
    made.add_argument("--sse", action="store_true", help="answer every request with an event stream")
    made.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="speak TLS with this certificate")
    return made.parse_args()


def listen(chosen):
    """Return a listening socket on a free port of the loopback interface."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    if chosen.tls:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*chosen.tls)
        return context.wrap_socket(listener, server_side=True), "https"
    return listener, "http"


def main():
    """Serve until stdin ends; the first line on stdout is the URL of the endpoint."""
    chosen = options()
    if chosen.list:
        print(listing(KNOWN, violations_http.INSTALLERS, violations_http.ALSO))
        return
    listener, scheme = listen(chosen)
    port = listener.getsockname()[1]
    server = server_of(chosen)
    site = Site(server, f"{scheme}://127.0.0.1:{port}", token=chosen.token, always_sse=chosen.sse)
    site.on_http.append(log)
    if chosen.oauth:
        AuthorizationServer(site, lifetime=chosen.oauth, faults=chosen.oauth_fault)
    spoil(server, site, chosen, KNOWN, violations_http.INSTALLERS)
    threading.Thread(target=serve, args=(listener, site.handle), daemon=True).start()
    if chosen.port_file:
        chosen.port_file.write_text(str(port))
    print(f"{site.base}/mcp", flush=True)
    for hook in server.on_start:
        hook()
    while os.read(0, 4096):
        pass
    os._exit(0)


def log(exchange):
    """Write one line to stderr for each request: what was asked, and the headers that matter to tests."""
    shown = {
        name: exchange.headers[name]
        for name in ("authorization", "mcp-session-id", "last-event-id")
        if name in exchange.headers
    }
    method = exchange.message.get("method") if isinstance(exchange.message, dict) else None
    sys.stderr.write(f"{exchange.method} {exchange.path} {method} {shown}\n")
    sys.stderr.flush()
    return False
