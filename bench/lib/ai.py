"""An AI that answers any number of calls at once, as OpenAI's API does: at once, after a wait, or when told.

It is a process of its own (this file), so that what measures and what answers do not wait for each other.
"""

import asyncio, http.client, json, os, pathlib, resource, signal, ssl, subprocess, sys, tempfile

if __package__:
    from .engine import free_port, wait_for

PAGE = "```html\n<!DOCTYPE html><html><head><title>Tips</title></head><body><h1>Tips</h1>" + "<p>A line of the page.</p>" * 150 + "</body></html>\n```"


class FakeAi:
    """`wait`: seconds before an answer. `begun`: the answer's head and its first piece come at once, the rest after the wait, as from a model that is writing.
    `hold`: nobody is answered before `release()`."""

    def __init__(self, wait=0.0, begun=False, hold=False):
        self.port = free_port()
        how = {"port": self.port, "wait": wait, "begun": begun, "hold": hold}
        self.child = self.start(how)
        wait_for(self.port)

    root, variables = "http://127.0.0.1", {}

    def start(self, how):
        return subprocess.Popen([sys.executable, str(pathlib.Path(__file__)), json.dumps(how)])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def settings(self, most=20000):
        """What --set takes, so that the engine asks this one."""
        provider = f'[{{ name = "bench", kind = "openai", model = "m", api_key = "k", base_url = "{self.root}:{self.port}/v1", max_concurrent = {most}, timeout = "10m" }}]'
        return (f"ai={provider}",)

    def waiting(self):
        """How many calls it has not answered."""
        return self.told("/waiting")

    def answered(self):
        return self.told("/answered")

    def release(self):
        """Those that wait are answered, and whoever comes from now on, as if nobody had been held."""
        self.told("/release")

    def told(self, path):
        connection = self.connect()
        connection.request("GET", path)
        told = json.loads(connection.getresponse().read())
        connection.close()
        return told

    def stop(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class SecureAi(FakeAi):
    """The same over TLS and HTTP/2, as providers have it: `secure_ai`, which is built beside the engine (cargo build --release -p wtaf-host -p bench).
    Whoever asks it must believe its certificate: `variables` tell the engine."""

    root = "https://localhost"

    def __init__(self, binary, **how):
        self.binary, self.folder = binary, tempfile.TemporaryDirectory(prefix="wtaf-bench-ai")
        super().__init__(**how)

    def start(self, how):
        file = lambda name: str(pathlib.Path(self.folder.name) / name)
        certificate = ("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost",
                       "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout", file("key"), "-out", file("certificate"))
        subprocess.run(certificate, check=True, capture_output=True)
        pathlib.Path(file("head")).write_bytes(FIRST)
        pathlib.Path(file("rest")).write_bytes(REST)
        self.variables = {"SSL_CERT_FILE": file("certificate")}
        how = [str(how["port"]), file("certificate"), file("key"), file("head"), file("rest"), str(how["wait"]), *(str(how[name]).lower() for name in ("begun", "hold"))]
        return subprocess.Popen([str(self.binary), *how])

    def connect(self):
        return http.client.HTTPSConnection("localhost", self.port, timeout=60, context=ssl.create_default_context(cafile=self.variables["SSL_CERT_FILE"]))

    def stop(self):
        super().stop()
        self.folder.cleanup()


def piece(delta, reason=None, usage=None):
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'id': 'x', 'object': 'chat.completion.chunk', 'model': 'm', 'choices': [choice], **({'usage': usage} if usage else {})})}\n\n".encode()


FIRST = piece({"role": "assistant", "content": PAGE[:40]})
REST = piece({"content": PAGE[40:]}) + piece({}, "stop", {"prompt_tokens": 900, "completion_tokens": 1500}) + b"data: [DONE]\n\n"
HEAD = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(FIRST) + len(REST)}\r\n\r\n".encode()


class Server:
    def __init__(self, how):
        self.how, self.loop, self.held = how, asyncio.get_running_loop(), {} if how["hold"] else None
        self.waiting, self.answered = 0, 0

    def call(self, talk):
        self.waiting += 1
        if self.how["begun"]:
            talk.write(HEAD + FIRST)
        if self.held is not None:
            self.held[talk] = None
        elif self.how["wait"]:
            self.loop.call_later(self.how["wait"], self.answer, talk)
        else:
            self.answer(talk)

    def answer(self, talk):
        self.waiting -= 1
        self.answered += 1
        talk.write(REST if self.how["begun"] else HEAD + FIRST + REST)

    def tell(self, path):
        if path == "/release" and self.held is not None:
            held, self.held = self.held, None
            for talk in held:
                self.answer(talk)
        return self.waiting if path == "/waiting" else self.answered


class Talk(asyncio.Protocol):
    """One connection: requests one after another."""

    def __init__(self, server):
        self.server, self.came, self.transport = server, b"", None

    def connection_made(self, transport):
        self.transport = transport

    def write(self, bytes_):
        if not self.transport.is_closing():
            self.transport.write(bytes_)

    def data_received(self, data):
        self.came += data
        while (end := self.came.find(b"\r\n\r\n")) >= 0:
            head = self.came[:end]
            length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
            if len(self.came) < end + 4 + length:
                return
            self.came = self.came[end + 4 + length :]
            if head.startswith(b"POST"):
                self.server.call(self)
            else:
                told = json.dumps(self.server.tell(head.split(b" ")[1].decode()))
                self.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(told)}\r\n\r\n{told}".encode())


async def serve(how):
    server = Server(how)
    listening = await server.loop.create_server(lambda: Talk(server), "127.0.0.1", how["port"], backlog=16384)
    asyncio.create_task(leave_with_parent())
    await listening.serve_forever()


async def leave_with_parent():
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(1)
    os._exit(0)


if __name__ == "__main__":
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(serve(json.loads(sys.argv[1])))
