"""An HTTP runner for the stage extract: hands on the Claim-IR documents that the
corpus already holds, in files named *.claims.jsonl. See docs/runners.md.

    ORGO_URL=http://127.0.0.1:7700 ORGO_TOKEN=... python3 collect_claims_service.py 8000
"""
import hashlib
import json
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def orgo(method, path, body=None, media_type="application/json"):
    headers = {"Authorization": "Bearer " + os.environ["ORGO_TOKEN"], "Content-Type": media_type}
    request = urllib.request.Request(os.environ["ORGO_URL"] + path, body, headers, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def read(digest):
    content = orgo("GET", "/v1/artifacts/sha256:" + digest["value"])
    if hashlib.sha256(content).hexdigest() != digest["value"]:
        raise ValueError("artifact " + digest["value"] + " came with other content")
    return content


def extract(request):
    snapshot = next(i["ref"] for i in request["inputs"] if i["name"] == "snapshot")
    files = [f for f in json.loads(read(snapshot))["files"] if f["path"].endswith(".claims.jsonl")]
    if not files:
        return {"error": {"code": "INPUT_EMPTY", "message": "no file is named *.claims.jsonl", "final": True}}
    claims = b"".join(read(f["digest"]) for f in files)
    ref = json.loads(orgo("PUT", "/v1/artifacts", claims, "application/jsonl"))
    return {"outputs": [{"name": "claims", "ref": {k: ref[k] for k in ("alg", "value", "media_type", "size")}}]}


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps(extract(request)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Service)
    print(server.server_port, flush=True)
    server.serve_forever()
