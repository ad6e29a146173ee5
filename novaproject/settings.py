"""Settings, read from the environment or `.env` (the environment wins). Names and defaults: docs/configuration.md."""

import os
from pathlib import Path

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from novaproject.database_url import database_of
from novaproject.environment import Env

django_stubs_ext.monkeypatch()

# Whatever this process and its children write is its owner's only: the database has accounts, uploads are private.
os.umask(0o077)
BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
# Tests and type checks set NOVAPROJECT_ENV_FILE to an empty string: they never read a person's `.env`.
_env_file = os.environ.get("NOVAPROJECT_ENV_FILE", str(BASE_DIR / ".env"))
ENV_FILE = Path(_env_file) if _env_file else None
if ENV_FILE and ENV_FILE.is_file():
    Env.read_env(ENV_FILE)


def _folder(name: str, default: str) -> Path:
    """A folder of ours; relative paths start at the project's folder."""
    return (BASE_DIR / Path(env.str(name, default) or default).expanduser()).resolve()


DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. Run `make run`, which writes one into .env, or set it in the environment."
    )
# This machine's own names always: health checks and metrics are asked for by them, also behind a proxy.
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=[]), "127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

DATA_DIR = _folder("DATA_DIR", "data")
# What belongs to this machine alone: caches, locks, models, logs. DATA_DIR may be a mount that several share.
HOST_DIR = _folder("HOST_DIR", str(DATA_DIR))
UPLOAD_DIR = _folder("UPLOAD_DIR", "uploads")
PROXY_DIR = _folder("PROXY_DIR", "proxy_video")
FILE_UPLOAD_TEMP_DIR = str(UPLOAD_DIR / ".incoming")
# Django's own checks refuse to start without the last one.
for _own_folder in (DATA_DIR, HOST_DIR, PROXY_DIR, Path(FILE_UPLOAD_TEMP_DIR)):
    _own_folder.mkdir(parents=True, exist_ok=True)

# --- apps ---------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "novaproject.apps.NovaprojectConfig",
    # Lower floors first: facets, badges and actions are shown in the order in which they are registered.
    "jobs.apps.JobsConfig",
    "files.apps.FilesConfig",
    "bedrock.apps.BedrockConfig",
    "transcription.apps.TranscriptionConfig",
    "vision.apps.VisionConfig",
    "nova.apps.NovaConfig",
    "embeddings.apps.EmbeddingsConfig",
    "curation.apps.CurationConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_q",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
]

MIDDLEWARE = [
    "novaproject.middleware.RequestIdMiddleware",
    "novaproject.middleware.ForwardedForMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "novaproject.middleware.ApiTrailingSlashMiddleware",
    "novaproject.middleware.BusyDatabaseMiddleware",
    "novaproject.middleware.UploadGateMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "novaproject.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "novaproject.api.strict_queries.StrictQueryMiddleware",
]
ROOT_URLCONF = "novaproject.urls"
WSGI_APPLICATION = "novaproject.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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

# --- database -----------------------------------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{DATA_DIR / 'app.db'}")
DATABASES = {"default": database_of(DATABASE_URL, BASE_DIR, DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(HOST_DIR / "cache")}
}

PORT = env.int("PORT", 5700)

# --- background work ----------------------------------------------------------------------------------------------
FAST_WORKERS = env.int("FAST_WORKERS", 3)  # one imports, one scans, one is for short jobs
LONG_WORKERS = env.int("LONG_WORKERS", 2)
JOB_LEASE_SECONDS = env.float("JOB_LEASE_SECONDS", 60)
JOB_TICK_SECONDS = env.float("JOB_TICK_SECONDS", 3)
JOB_WEDGE_SECONDS = env.float("JOB_WEDGE_SECONDS", 15)
JOB_IDLE_SECONDS = env.float("JOB_IDLE_SECONDS", 120)
JOB_CANCEL_GRACE_SECONDS = env.float("JOB_CANCEL_GRACE_SECONDS", 20)
JOB_BACK_OFF_SECONDS = env.float("JOB_BACK_OFF_SECONDS", 30)
JOB_KEEP_DAYS = env.float("JOB_KEEP_DAYS", 90)
JOB_MIN_FREE_BYTES = env.int("JOB_MIN_FREE_BYTES", 1_000_000_000)
# q2 carries wake-ups only; `jobs.Job` is the truth. A message names no job, so a message delivered twice is harmless,
# a short `retry` only bounds how long a lost one is missed, and `queue_limit` = workers keeps none locked in a queue.
# `timeout` is for other tasks than ours (there are none): our messages carry "no limit", or q2 would fail its own task
# and leave the job running. `recycle` is off: a worker that vanishes has died, and its cluster is replaced (as it is
# every JOB_RECYCLE_SECONDS, for memory's sake).
JOB_RECYCLE_SECONDS = env.float("JOB_RECYCLE_SECONDS", 6 * 3600)
_Q_COMMON = {"timeout": 60, "retry": 90, "max_attempts": 1, "ack_failures": True, "poll": 0.5, "recycle": -1}
Q_CLUSTER = {
    **_Q_COMMON,
    "name": "fast",
    "orm": "default",
    "workers": FAST_WORKERS,
    "queue_limit": FAST_WORKERS,
    "catch_up": False,
    "scheduler": False,
    "save_limit": 100,
    "guard_cycle": 1,
    "log_level": "WARNING",
    "label": "Wake-ups",
    "ALT_CLUSTERS": {"long": {**_Q_COMMON, "workers": LONG_WORKERS, "queue_limit": LONG_WORKERS}},
}

# --- web ----------------------------------------------------------------------------------------------------------
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "novaproject/locked_out.html"
AXES_ENABLE_ACCESS_FAILURE_LOG = False

USE_TLS = env.bool("USE_TLS", False)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = USE_TLS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
TRUST_FORWARDED = env.bool("TRUST_FORWARDED", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_FORWARDED else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = USE_TLS
# Asked for on this machine, without the proxy; neither takes a password or a session.
SECURE_REDIRECT_EXEMPT = [r"^api/health/?$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31536000 if USE_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = USE_TLS
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

STATIC_URL = "/static/"
STATIC_ROOT = HOST_DIR / "static"
WHITENOISE_USE_FINDERS = True
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

LANGUAGE_CODE = "en-us"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
USE_TZ = True
# Off, or every `{{ file.pk }}` in a template would read 1,234; counts are grouped by the filters that print them.
USE_THOUSAND_SEPARATOR = False

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    # knox first: a bad token must be answered with 401 and its challenge, not with a 403 from the session.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "novaproject.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["jobs.web.api_base.ModelPermissions"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer", "novaproject.api.renderer.PageRenderer"],
    "DEFAULT_PAGINATION_CLASS": "jobs.web.api_base.ApiPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "novaproject.api.schema.Schema",
    "EXCEPTION_HANDLER": "novaproject.api.errors.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
#: Of calls that cost money or much work, for each user; empty = no limit.
API_COSTLY_RATE = env.str("API_COSTLY_RATE", "120/min")
IDEMPOTENCY_KEY_HOURS = env.int("IDEMPOTENCY_KEY_HOURS", 48)
REST_KNOX = {"TOKEN_TTL": None, "AUTH_HEADER_PREFIX": "Token"}
SPECTACULAR_SETTINGS = {
    "TITLE": "novaproject",
    "DESCRIPTION": "A local-first video library: import, proxies, transcripts, analyses and search.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "novaproject.api.schema.name_errors",
        "novaproject.api.schema.show_examples",
    ],
    "ENUM_NAME_OVERRIDES": {
        "ChunkKindEnum": "embeddings.models.Chunk.Kind",
        "SpaceContentEnum": "embeddings.models.CONTENTS",
        "ModelStatusEnum": "bedrock.models.CatalogueModel.Status",
        "NovaStatusEnum": "nova.models.NovaJob.Status",
        "NovaModeEnum": "nova.models.NovaJob.Mode",
    },
}

#: Empty = no metrics.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")

# --- logs ---------------------------------------------------------------------------------------------------------
#: 0 = no file.
LOG_KEEP_DAYS = env.int("LOG_KEEP_DAYS", 30)
LOG_DIR = HOST_DIR / "logs"
# manage.py sets the variable for commands that run for long, and for what they start.
_KEEPS_LOG = bool(LOG_KEEP_DAYS and os.environ.get("NOVAPROJECT_KEEPS_LOG"))
LOG_FORMAT = env.str("LOG_FORMAT", "plain")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "novaproject.logs.lines.PlainFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        },
        "json": {"()": "novaproject.logs.lines.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT},
        "file": {"()": "novaproject.logs.lines.DayFile", "folder": LOG_DIR, "formatter": LOG_FORMAT},
    },
    "root": {"handlers": ["console", "file"] if _KEEPS_LOG else ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "axes": {"level": "WARNING"},
        "waitress": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},
        "faiss": {"level": "WARNING"},
        "faster_whisper": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "boto3": {"level": "WARNING"},
    },
}

# --- the library's own (read by each app's conf.py) ----------------------------------------------------------------
VERSION = SPECTACULAR_SETTINGS["VERSION"]
IMPORT_ROOTS = [Path(part).expanduser() for part in env.str("IMPORT_ROOTS", "").split(":") if part]
IMPORT_STEPS = env.list("IMPORT_STEPS", default=["proxy", "transcribe", "analyze", "embed", "see"])
IMPORT_SKIP = env.list("IMPORT_SKIP", default=[])
IMPORT_SETTLE_S = env.float("IMPORT_SETTLE_S", 3.0)
SCAN_MINUTES = env.float("SCAN_MINUTES", 60.0)
WATCH_FOLDERS = env.str("WATCH_FOLDERS", "auto")
ROOTS_CHECK_S = env.float("ROOTS_CHECK_S", 30.0)
FRAME_SECONDS = env.float("FRAME_SECONDS", 4.0)
FFMPEG_PATH = env.str("FFMPEG_PATH", "")
PROXY_PROFILE = env.str("PROXY_PROFILE", "720p15")
PROXY_ENCODER = env.str("PROXY_ENCODER", "auto")

AWS_REGION = env.str("AWS_REGION", "us-east-1")
S3_BUCKET_NAME = env.str("S3_BUCKET_NAME", "")
BEDROCK_BATCH_ROLE_ARN = env.str("BEDROCK_BATCH_ROLE_ARN", "")
NOVA_BATCH_INPUT_PREFIX = env.str("NOVA_BATCH_INPUT_PREFIX", "")
NOVA_BATCH_OUTPUT_PREFIX = env.str("NOVA_BATCH_OUTPUT_PREFIX", "")
NOVA_BATCH_MIN_RECORDS = env.int("NOVA_BATCH_MIN_RECORDS", 100)
NOVA_BATCH_MAX_RECORDS = env.int("NOVA_BATCH_MAX_RECORDS", 50_000)
NOVA_BATCH_MAX_BYTES = env.int("NOVA_BATCH_MAX_BYTES", 4_500_000_000)
NOVA_POLL_SECONDS = env.int("NOVA_POLL_SECONDS", 60)
NOVA_CONCURRENT_CALLS = env.int("NOVA_CONCURRENT_CALLS", 4)
NOVA_MONTHLY_BUDGET_USD = env.str("NOVA_MONTHLY_BUDGET_USD", "")
NOVA_KEEP_RAW_DAYS = env.float("NOVA_KEEP_RAW_DAYS", 0)
NOVA_READ_TIMEOUT_SECONDS = env.int("NOVA_READ_TIMEOUT_SECONDS", 3600)

WHISPER_MODEL = env.str("WHISPER_MODEL", "base")
WHISPER_MODEL_DIR = _folder("WHISPER_MODEL_DIR", str(HOST_DIR / "models" / "whisper"))
WHISPER_WEIGHTS_URL = env.str("WHISPER_WEIGHTS_URL", "https://huggingface.co")
#: The languages that are spoken in this library: the guess is made among them. None: among all.
WHISPER_LANGUAGES = env.list("WHISPER_LANGUAGES", default=[])
#: Names and terms of the trade, which engines are told to expect.
WHISPER_VOCABULARY = env.list("WHISPER_VOCABULARY", default=[])
#: Which free weights are fetched by themselves when they are first needed. None: only when a person asks.
FETCH_WEIGHTS = env.list("FETCH_WEIGHTS", default=["speech"])
WHISPER_DEVICE = env.str("WHISPER_DEVICE", "auto")
WHISPER_COMPUTE_TYPE = env.str("WHISPER_COMPUTE_TYPE", "auto")
NOVA_SONIC_MODEL_ID = env.str("NOVA_SONIC_MODEL_ID", "amazon.nova-2-sonic-v1:0")
NOVA_SONIC_RUNTIME_ID = env.str("NOVA_SONIC_RUNTIME_ID", "amazon.nova-2-sonic-v1:0")
NOVA_SONIC_MAX_TOKENS = env.int("NOVA_SONIC_MAX_TOKENS", 4096)
# AWS does not publish how many tokens a second of speech is: this many are reserved, what was used is booked.
NOVA_SONIC_TOKENS_PER_SECOND = env.int("NOVA_SONIC_TOKENS_PER_SECOND", 50)

EMBEDDING_PROVIDER = env.str("EMBEDDING_PROVIDER", "local")
EMBEDDING_MODEL = env.str("EMBEDDING_MODEL", "all-minilm-l6-v2")
LOCAL_EMBED_MODEL_PATH = env.str("LOCAL_EMBED_MODEL_PATH", "")
PICTURE_PROVIDER = env.str("PICTURE_PROVIDER", "local")
PICTURE_MODEL = env.str("PICTURE_MODEL", "ViT-B-32__openai")
PICTURE_MODEL_DIR = _folder("PICTURE_MODEL_DIR", str(HOST_DIR / "models" / "clip"))
NOVA_EMBED_MODEL_ID = env.str("NOVA_EMBED_MODEL_ID", "amazon.nova-2-multimodal-embeddings-v1:0")
NOVA_EMBED_DIMENSION = env.int("NOVA_EMBED_DIMENSION", 1024)
NOVA_EMBED_REQUEST_FORMAT = env.str("NOVA_EMBED_REQUEST_FORMAT", "nova-multimodal-embed-v1")
SQLITE_VEC_PATH = env.str("SQLITE_VEC_PATH", "")

if NOVA_BATCH_MIN_RECORDS > NOVA_BATCH_MAX_RECORDS:
    env.problems.append("NOVA_BATCH_MIN_RECORDS must not be more than NOVA_BATCH_MAX_RECORDS.")
env.refuse()
