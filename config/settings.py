"""Settings, read from the environment and checked here once; docs/operations.md lists them."""

import sys
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

from django.utils.csp import CSP

from config import environment, mail_url, photo_storage
from config.installation import BASE_DIR, IS_INSTALLED, default_data_dir

DEBUG = environment.read_switch("DEBUG", default=False)
DEMO = environment.read_switch("DEMO", default=True)
HOST = environment.read_text("HOST", "127.0.0.1")
PORT = environment.read_port("PORT", default=8000)
PROCESSES = environment.read_number("PROCESSES", default=environment.read_number("WEB_CONCURRENCY", default=1))
MACHINES = environment.read_number("MACHINES", default=1)
SERVER = environment.read_server("SERVER", processes=PROCESSES)
TRUSTED_PROXIES = environment.read_text("TRUSTED_PROXIES", "127.0.0.1")
LOG_FORMAT = environment.read_choice("LOG_FORMAT", "text", "json")
METRICS_TOKEN = environment.read_text("METRICS_TOKEN")
BASE_URL = environment.read_base_url("BASE_URL", host=HOST, port=PORT)
SITE_NAME = environment.read_text("SITE_NAME", "Liveblog")
IS_HTTPS = BASE_URL.startswith("https:")
ALLOWED_HOSTS = environment.read_allowed_hosts("ALLOWED_HOSTS", host=HOST, base_url=BASE_URL)
DATA_DIR = environment.read_data_dir("DATA_DIR", default=default_data_dir())
SECRET_KEY = environment.read_secret_key("SECRET_KEY", kept_in=DATA_DIR / "secret_key")

INSTALLED_APPS = [
    # Only for its runserver: Twisted would cost each of uvicorn's processes 27 MB and a fifth of its start.
    *(["daphne"] if "runserver" in sys.argv else []),
    "liveblog",
    "django_htmx",
    "axes",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "config.middleware.StaticFilesMiddleware",
    "config.middleware.TextGZipMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [] if IS_INSTALLED else [BASE_DIR / "templates"],  # installed, they are the application's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# The database is the truth (docs/protocol.md). SQLite takes its write lock when a transaction
# begins: without IMMEDIATE, six threads writing fail with "database is locked" every time.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON;",  # what is purged is overwritten
}
POSTGRESQL_OPTIONS = {
    "connect_timeout": 2,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
DATABASES = {
    "default": environment.read_database("DATABASE_URL", default=DATA_DIR / "liveblog.sqlite3", machines=MACHINES)
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    environment.keep_database_to_owner(Path(DATABASES["default"]["NAME"]), data_dir=DATA_DIR)
else:
    DATABASES["default"]["OPTIONS"] = POSTGRESQL_OPTIONS | DATABASES["default"].get("OPTIONS", {})

# How long a statement may take once the ASGI application has started (config/asgi.py); commands know no limit.
STATEMENT_SECONDS = 5.0

# The bell. The memory layer forgets its groups after a day unless told otherwise.
REDIS_URL = environment.read_redis_url("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, object]]
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL], "prefix": "liveblog"},
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"group_expiry": 10 * 365 * 86400},
        }
    }

# Mail: invitations, and links by which a new password is chosen.
MAILERS, DEFAULT_FROM_EMAIL = mail_url.read_mail("EMAIL_URL", base_url=BASE_URL)

# Players in updates: a policy has to list every instance that may be framed.
MASTODON_HOSTS = environment.read_host_names(
    "MASTODON_HOSTS",
    "mastodon.social mastodon.online mstdn.social mas.to mastodon.world fosstodon.org hachyderm.io infosec.exchange "
    "techhub.social newsie.social journa.host social.bund.de mastodon.green troet.cafe piaille.fr mstdn.jp",
)

# What an operator may tune. A minute is how long a page may take that a network keeps from the service.
LIVE_POLL_SECONDS = environment.read_number("LIVE_POLL_SECONDS", default=5, at_most=60)
ENDED_POLL_SECONDS = environment.read_number("ENDED_POLL_SECONDS", default=60, at_least=5, at_most=3600)
SOCKETS_PER_PROCESS = environment.read_number("SOCKETS_PER_PROCESS", default=10_000, at_least=0, at_most=100_000)
TAIL_UPDATES = environment.read_number("TAIL_UPDATES", default=500, at_least=50, at_most=10_000)

SOCKET_SECONDS = 15 * 60
# After the end sockets stay for the corrections of the first minutes; then they are closed, spread over two more.
ENDED_SOCKET_SECONDS = 10 * 60
ENDED_CLOSING_SECONDS = 2 * 60

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = environment.read_static_root("STATIC_ROOT", data_dir=DATA_DIR)
STATICFILES_DIRS = [] if IS_INSTALLED else [BASE_DIR / "static"]
STORAGES = {
    "default": photo_storage.read_photo_storage("S3_BUCKET", endpoint="S3_ENDPOINT", region="S3_REGION"),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.ModuleStaticFilesStorage"
    },
}
MEDIA_ROOT = DATA_DIR / "media"

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

PASSWORD_RESET_TIMEOUT = 86400  # links by mail and by an owner

# Failed logins count by name and address together: who guesses a name locks out its owner nowhere else. By address
# alone too, for many names tried from one.
AXES_HANDLER = "liveblog.desk.lockout.Handler"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "liveblog.desk.lockout.name_of_client"
AXES_CLIENT_IP_CALLABLE = "liveblog.desk.lockout.address_of_client"
AXES_LOCKOUT_CALLABLE = "liveblog.desk.lockout.locked_out"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False  # manage.py axes_reset_username opens a door sooner
# What comes through a login with the form (liveblog/desk/access.py) is nothing to record.
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "headline", "body", "is_key", "at", "later", "key", "next"]

# YouTube's player fails (error 153) without a Referer, which Django's default would suppress.
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "frame-src": [CSP.SELF],  # the embed dialog's preview; nothing else of ours lets itself be framed
    "manifest-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = [BASE_URL]
CSRF_FAILURE_VIEW = "liveblog.desk.access.csrf_failed"
SESSION_ENGINE = "config.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
# A browser that was told so can't be told otherwise: for a day at first, and for subdomains, which may be somebody
# else's, only where that was asked for.
SECURE_HSTS_SECONDS = environment.read_days("HSTS_DAYS", default=1) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS and environment.read_switch("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = IS_HTTPS and environment.read_switch("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # these two, which Django would have on
    "security.W021",
    "mail.W001",  # without a mail server nothing is sent: liveblog/mail.py asks first
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None

# A format that we don't speak; and what is too busy or silent, which has a line of its own (liveblog/errors.py).
TOLD_OTHERWISE = {HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.SERVICE_UNAVAILABLE}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {
            "()": "pythonjsonlogger.json.JsonFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
            "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            "json_ensure_ascii": False,
        },
    },
    "filters": {
        "request": {"()": "config.logs.RequestFilter"},
        "news": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) not in TOLD_OTHERWISE,
        },
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request"]}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "liveblog": {"level": "INFO"},
        # What scanners ask for is no news: neither a page that is not there nor a host that is not ours, nor what is
        # too much to be read or in a format that we don't speak. A refused origin is: BASE_URL may be wrong.
        "django.request": {"level": "ERROR", "filters": ["news"]},
        "django.security": {"level": "CRITICAL"},
        "django.security.csrf": {"level": "WARNING"},
        # Names and addresses of whoever mistypes a password; the database has them for as long as they count.
        "axes": {"level": "ERROR"},
        # A traceback a second while Redis is down says nothing that the feed's own line does not.
        "channels_redis": {"level": "CRITICAL"},
    },
}
