"""A package registry on loopback with packages made on the spot, for uv to talk to."""

import hashlib
import io
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def wheel(name, version, requires=(), tag="py3-none-any", content=""):
    """Return (file name, bytes) of a small wheel that holds one module."""
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{name}.py": f"VERSION = {version!r}\n{content}",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), text)
    return f"{name}-{version}-{tag}.whl", stream.getvalue()


class Registry:
    """What the registry offers: `files` by package; `asked` counts requests."""

    def __init__(self, address):
        self.address = address
        self.files = {}
        self.asked = 0

    def add(self, name, version, **more):
        """Offer a wheel."""
        self.files.setdefault(name, []).append(wheel(name, version, **more))

    def page(self, name):
        """Return a package's page in the simple API."""
        links = [
            f'<a href="/files/{name}/{file}#sha256={hashlib.sha256(data).hexdigest()}">{file}</a>'
            for file, data in self.files.get(name, [])
        ]
        return "<!DOCTYPE html><html><body>" + "\n".join(links) + "</body></html>"


@contextmanager
def serve():
    """Serve a registry while entered."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.do_GET(body=False)

        def do_GET(self, body=True):
            registry.asked += 1
            self.wanted = body
            kind, name, *rest = self.path.strip("/").split("/")
            found = dict(registry.files.get(name, []))
            if kind == "simple" and found:
                self.answer(registry.page(name).encode(), "text/html")
            elif kind == "files" and rest and rest[0] in found:
                self.answer(found[rest[0]], "application/octet-stream")
            else:
                self.send_error(404)

        def answer(self, body, kind):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.wanted:
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    registry = Registry(f"http://127.0.0.1:{server.server_port}/simple")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
