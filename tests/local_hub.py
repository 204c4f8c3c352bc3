"""A hub on this machine: the part of the Hugging Face hub's interface that sharing a run needs."""

import base64
import hashlib
import http.server
import json
import re
import threading
from dataclasses import dataclass, field

TOKEN = "hf_" + "s3cret" * 5
RESOLVE = re.compile(r"/([\w.-]+/[\w.-]+)/resolve/([^/]+)/(.+)")
INFO = re.compile(r"/api/models/([\w.-]+/[\w.-]+)(?:/revision/([^/]+))?")
TREE = re.compile(r"/api/models/([\w.-]+/[\w.-]+)/tree/([^/]+)")
ACTION = re.compile(r"/api/models/([\w.-]+/[\w.-]+)/(preupload|commit)/main")
BATCH = re.compile(r"/([\w.-]+/[\w.-]+)\.git/info/lfs/objects/batch")


@dataclass
class Repository:
    """What the hub keeps of one repository."""

    private: bool = False
    files: dict[str, bytes] = field(default_factory=lambda: {".gitattributes": b"*.safetensors lfs\n"})

    @property
    def commit(self):
        """A number that changes with the files."""
        return hashlib.sha1(repr(sorted(self.files.items())).encode()).hexdigest()


class LocalHub(http.server.ThreadingHTTPServer):
    """The hub; the attributes say how it misbehaves."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories, self.stored = {}, {}
        self.requests, self.tokens = [], []
        self.refuse = {}
        """A status for each path that contains a text."""
        self.sends = {}
        """What is sent for a file in place of its content."""
        self.sizes = {}
        """What is listed as the size of a file in place of the true one."""
        self.also_listed = []
        """Names that are listed too."""
        self.elsewhere = None
        """Another server that the weights are fetched from."""
        self.breaks_off = None
        """The file whose content ends in the middle."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        """What HF_ENDPOINT has to be."""
        return f"http://127.0.0.1:{self.server_port}"

    def asked_for(self, part):
        """Return the requests whose path contains a text."""
        return [request for request in self.requests if part in request]

    def stop(self):
        """End the server."""
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        self.server.requests.append(f"{self.command} {path}")
        self.server.tokens.append(self.headers.get("Authorization"))
        for part, code in self.server.refuse.items():
            if part in path:
                # A server may repeat the token.
                return self.reply(code, {"error": f"no {self.headers.get('Authorization')}\x1b[2J"})
        if path == "/api/repos/create":
            return self.create(json.loads(body))
        if path == "/api/validate-yaml":
            return self.reply(200, {"warnings": [], "errors": []})
        if path.startswith("/lfs/"):
            self.server.stored[path.removeprefix("/lfs/")] = body
            return self.reply(200, {})
        for pattern, handle in (
            (RESOLVE, self.resolve),
            (INFO, self.info),
            (TREE, self.tree),
            (ACTION, self.act),
            (BATCH, self.batch),
        ):
            if found := pattern.fullmatch(path):
                repository = self.server.repositories.get(found[1])
                signed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
                if repository is None or (not signed and (repository.private or self.command == "POST")):
                    return self.reply(404 if signed else 401, {}, {"X-Error-Code": "RepoNotFound"})
                return handle(repository, found, body)
        return self.reply(404, {})

    def create(self, wanted):
        name = f"{wanted['organization']}/{wanted['name']}"
        self.server.repositories[name] = Repository(private=wanted.get("visibility") == "private")
        self.reply(200, {"url": f"{self.server.address}/{name}", "name": name})

    def listing(self, repository):
        sizes = {name: len(content) for name, content in repository.files.items()}
        sizes |= dict.fromkeys(self.server.also_listed, 7) | self.server.sizes
        return sizes.items()

    def info(self, repository, found, body):
        if found[2] not in (None, "main", repository.commit):
            return self.reply(404, {}, {"X-Error-Code": "RevisionNotFound"})
        siblings = [{"rfilename": name, "size": size} for name, size in self.listing(repository)]
        facts = {
            "id": found[1],
            "sha": repository.commit,
            "private": repository.private,
            "siblings": siblings,
        }
        return self.reply(200, facts)

    def tree(self, repository, found, body):
        entries = [
            {"type": "file", "path": name, "size": size, "oid": "b" * 40}
            for name, size in self.listing(repository)
        ]
        self.reply(200, entries)

    def resolve(self, repository, found, body):
        name = found[3]
        if name not in repository.files:
            return self.reply(404, {}, {"X-Error-Code": "EntryNotFound"})
        true = repository.files[name]
        content = self.server.sends.get(name, true)
        headers = {"ETag": f'"{hashlib.sha256(true).hexdigest()}"', "X-Repo-Commit": repository.commit}
        if self.server.elsewhere and name == "model.safetensors":
            address = self.server.elsewhere.address + self.path
            headers |= {
                "Location": address,
                "X-Linked-Size": str(len(true)),
                "X-Linked-Etag": headers["ETag"],
            }
            return self.reply(302, b"", headers)
        if self.command == "HEAD":
            return self.reply(200, true, headers)
        if name in self.server.sends:  # of an unknown length, as long as the reader listens
            return self.reply_in_chunks(content, headers)
        if name == self.server.breaks_off:
            self.close_connection = True
            return None if self.headers.get("Range") else self.reply(200, content, headers, len(content) // 2)
        return self.reply(200, content, headers)

    def act(self, repository, found, body):
        if found[2] == "preupload":
            modes = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return self.reply(200, {"files": modes})
        changes = [json.loads(line) for line in body.splitlines()]
        if changes[0]["value"].get("parentCommit") not in (None, repository.commit):
            return self.reply(412, {})
        for change in changes[1:]:
            kind, value = change["key"], change["value"]
            if kind == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif kind == "lfsFile":
                repository.files[value["path"]] = self.server.stored[value["oid"]]
            elif kind == "deletedFile":
                del repository.files[value["path"]]
        return self.reply(
            200,
            {
                "commitUrl": f"{self.server.address}/{found[1]}/commit/{repository.commit}",
                "commitOid": repository.commit,
            },
        )

    def batch(self, repository, found, body):
        objects = [
            {
                "oid": one["oid"],
                "size": one["size"],
                "actions": {"upload": {"href": f"{self.server.address}/lfs/{one['oid']}"}},
            }
            for one in json.loads(body)["objects"]
        ]
        self.reply(200, {"transfer": "basic", "objects": objects})

    def reply(self, code, body, headers=None, sent=None):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:sent])

    def reply_in_chunks(self, content, headers):
        self.send_response(200)
        for name, value in (headers | {"Transfer-Encoding": "chunked"}).items():
            self.send_header(name, value)
        self.end_headers()
        for start in range(0, len(content), 2**16):
            part = content[start : start + 2**16]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    do_GET = do_HEAD = do_POST = do_PUT = answer

    def log_message(self, *arguments):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:  # the client has heard enough
            self.close_connection = True
