"""nginx's C module nchan as a peer: a message that is posted goes to all who follow."""

import getpass
import http.client
import shutil
from pathlib import Path

ANSWER_SECONDS = 60
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")

CONFIGURATION = """
load_module {module};
user {user};
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_shared_memory_size 64m;
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location = / {{ return 200 "up"; }}
        location = /follow {{
            nchan_subscriber websocket;
            nchan_channel_id news;
            nchan_subscriber_first_message newest;
        }}
        location = /publish {{
            nchan_publisher;
            nchan_channel_id news;
            nchan_message_buffer_length 1;
            client_max_body_size 1m;
            client_body_buffer_size 1m;
        }}
    }}
}}
"""


def find_nginx() -> str | None:
    """Return the path of an nginx that has the module, if there is one (Debian: nginx, libnginx-mod-nchan)."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") if MODULE.exists() else None


def write_configuration(folder: Path, port: int) -> Path:
    """Write what it needs into ``folder``."""
    path = folder / "nginx.conf"
    path.write_text(CONFIGURATION.format(module=MODULE, folder=folder, port=port, user=getpass.getuser()))
    return path


class Publisher:
    """Who posts, on a connection that stays."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)

    def publish(self, text: str) -> None:
        """Send a text to all who follow; raises ``RuntimeError`` if it is refused."""
        self._connection.request("POST", "/publish", text.encode(), {"Content-Type": "text/html"})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status not in {200, 201, 202}:
            raise RuntimeError(f"nchan answered {answer.status}")
