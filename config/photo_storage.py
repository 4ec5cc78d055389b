"""Reads where photos are kept: in a folder of DATA_DIR, or in a bucket that speaks S3's protocol."""

from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config.environment import read_text

CONNECT_SECONDS, READ_SECONDS = 2, 5
"""How long a bucket may be silent; each request is sent twice at most."""


def read_photo_storage(bucket: str, *, endpoint: str, region: str) -> dict[str, Any]:
    """Return the storage in Django's words, from the variables of these names.

    The keys to the bucket are found as boto3 finds them: in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in what the
    machine has been given.
    """
    name, url, area = (read_text(variable) for variable in (bucket, endpoint, region))
    if not name:
        for variable, value in ((endpoint, url), (region, area)):
            if value:
                raise ImproperlyConfigured(f"{variable} says nothing without {bucket}.")
        return in_folder()
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(f"{bucket} needs django-storages and boto3: pip install 'liveblog[s3]'.")
    if url and not _is_address(url):
        fault = "without a user or a key" if "@" in url else f"not {url!r}"
        raise ImproperlyConfigured(f"{endpoint} must be an address like https://s3.example.org, {fault}.")
    return _bucket(name, url or None, area or None)


def in_folder() -> dict[str, Any]:
    """Return a storage in MEDIA_ROOT, whose files nobody else can read."""
    # The same name again is the same photo: an import mends what was damaged.
    options = {"allow_overwrite": True, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}


def _bucket(name: str, url: str | None, area: str | None) -> dict[str, Any]:
    from boto3.s3.transfer import TransferConfig
    from botocore.config import Config

    client = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 2},
        signature_version="s3v4",
        s3={"addressing_style": "path" if url else "auto"},  # a server of one's own has no name for each bucket
        # Not all servers know the checksums that boto3 would add.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    options = {
        "bucket_name": name,
        "endpoint_url": url,
        "region_name": area,
        "client_config": client,
        "transfer_config": TransferConfig(use_threads=False),  # files are small
    }
    return {"BACKEND": "config.bucket.BucketStorage", "OPTIONS": options}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and "@" not in url
    except ValueError:
        return False
