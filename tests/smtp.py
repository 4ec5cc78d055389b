"""A mail server on loopback that keeps what it is given, or is silent, or refuses."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MailServer(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as a client needs; ``mails`` are (recipient, text)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mails: list[tuple[str, str]] = []
        self.logins: list[str] = []
        self.refuses = refuses
        self.port = int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        """Answer each line of the client, until it quits."""
        self._say("220 loopback")
        recipient = ""
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].upper()
            if verb.startswith("EHLO"):
                self._say("250-loopback", "250 AUTH PLAIN")
            elif verb.startswith("AUTH"):
                self.server.logins.append(line.split()[-1])
                self._say("235 welcome")
            elif verb.startswith("RCPT"):
                recipient = line.split(":", 1)[1].strip("<>")
                self._say("550 nobody of that name" if self.server.refuses else "250 fine")
            elif verb == "DATA":
                self._say("354 go on")
                self.server.mails.append((recipient, self._read_mail()))
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 fine")

    def _read_mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line.removeprefix("."))
        return "".join(lines)

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def mail_server(*, refuses: bool = False) -> Iterator[MailServer]:
    """Run a mail server."""
    with MailServer(refuses=refuses) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
