"""An engine under measurement: started in a folder, asked over HTTP, stopped whatever happens."""

import http.client, os, signal, socket, subprocess, time, urllib.parse

from .process import Process

READY_WITHIN = 120.0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, seconds=60):
    """Until something listens there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.001)
    raise SystemExit(f"nothing listens on {port}")


class Engine:
    """`wtaf-host run` in a folder with a pipeline.toml, with limits off unless told otherwise; `settings` are those of --set, `variables` are added to the environment. Its log is the file `log`."""

    def __init__(self, binary, folder, *settings, role="both", log="warn", ready=True, variables=()):
        self.port, self.folder = free_port(), folder
        settings = (f"server.listen=127.0.0.1:{self.port}", "limits.enabled=false", *settings)
        command = [str(binary), "run", "pipeline.toml", "--role", role] + [part for setting in settings for part in ("--set", setting)]
        with open(folder / "log", "ab") as told:
            self.began = time.perf_counter()
            self.child = subprocess.Popen(command, cwd=folder, stdout=told, stderr=told, env={**environment(), **dict(variables), "WTAF_LOG": log})
        self.process = Process(self.child.pid)
        if ready:
            try:
                self.ready_after = self.wait_until_ready()
            except BaseException:
                self.stop(signal.SIGKILL)
                raise

    def wait_until_ready(self):
        """Seconds from the start of the process to the answer that it is ready. One request waits for it rather than many asking."""
        while time.perf_counter() - self.began < READY_WITHIN:
            if self.child.poll() is not None:
                raise SystemExit(f"the engine ended ({self.child.returncode}):\n{(self.folder / 'log').read_text()[-2000:]}")
            if self.ask("GET", "/readyz")[0] == 200:
                return time.perf_counter() - self.began
            time.sleep(0.0005)
        raise SystemExit(f"not ready within {READY_WITHIN:.0f} s:\n{(self.folder / 'log').read_text()[-2000:]}")

    def connect(self, timeout=60):
        """A connection to keep: http.client's."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(self, method, path, form=None):
        """One request over a connection of its own: status (0 where nothing answers), headers, body."""
        try:
            connection = self.connect()
            connection.request(method, path, urllib.parse.urlencode(form) if form else None, {"Content-Type": "application/x-www-form-urlencoded"} if form else {})
            response = connection.getresponse()
            answer = response.status, response.headers, response.read()
            connection.close()
            return answer
        except OSError:
            return 0, {}, b""

    def text(self, phone, body, sid, connection=None):
        """A text as the carrier hands it over; the job's id, or None where it was not taken in."""
        form = urllib.parse.urlencode({"From": phone, "Body": body, "MessageSid": sid, "NumMedia": "0"})
        mine = connection or self.connect()
        mine.request("POST", "/sms/webhook", form, {"Content-Type": "application/x-www-form-urlencoded"})
        response = mine.getresponse()
        response.read()
        if connection is None:
            mine.close()
        return response.headers.get("x-wtaf-job") if response.status == 200 else None

    def ended(self):
        """How many jobs have left the queue, by their files; none is asked, so asking costs the engine nothing."""
        return sum(1 for end in ("done", "failed") for _ in os.scandir(self.folder / "data/wtaf" / end))

    def failed(self):
        return sum(1 for _ in os.scandir(self.folder / "data/wtaf/failed"))

    def stop(self, by=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(by)
        try:
            self.child.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop(signal.SIGKILL if kind else signal.SIGTERM)


def environment():
    """Ours without the keys and settings that would change what is measured."""
    ours = ("ANTHROPIC_", "OPENAI_", "TWILIO_", "WTAF_", "DATABASE_URL", "OTEL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
