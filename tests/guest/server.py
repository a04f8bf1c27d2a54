"""A web server on this machine for the guest's step tcp, which emulators' networks show as 10.0.2.2."""

import contextlib
import hashlib
import http.server
import threading

SIZE = 8 << 20
DATA = b"".join(hashlib.sha256(i.to_bytes(4, "little")).digest() for i in range(SIZE // 32))
GATEWAY = "10.0.2.2"


class _Handler(http.server.BaseHTTPRequestHandler):
    """/data is the file, /hash its SHA-256; whoever posts something gets the SHA-256 of that."""

    def do_GET(self):
        answers = {"/data": DATA, "/hash": hashlib.sha256(DATA).hexdigest().encode()}
        if self.path not in answers:
            self.send_error(404)
            return
        self._answer(answers[self.path])

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self._answer(hashlib.sha256(self.rfile.read(length)).hexdigest().encode())

    def _answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # the harness's output is its report


@contextlib.contextmanager
def serving():
    """Serves while the context lasts; its value is the URL for the guest."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{GATEWAY}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
