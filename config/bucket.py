"""Photos in a bucket, by django-storages, with failures in Django's own words; imported only where one is named."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage


class BucketStorage(S3Storage):
    """A bucket whose failures are ``OSError``, as those of a folder are."""

    @cached_property
    def connection(self) -> Any:
        """One for all threads: each request has a thread of its own, and to connect takes longer than to read a photo.

        Of it only clients and new objects are used by several threads at once, which boto3 allows.
        """
        return super().connection

    def _open(self, name: str, mode: str = "rb") -> ContentFile:
        """Read a file whole, in one request; django-storages asks first whether it is there."""
        with _as_os_errors():
            found = self.connection.meta.client.get_object(Bucket=self.bucket_name, Key=self._normalize_name(name))
            return ContentFile(found["Body"].read(), name=name)

    def _save(self, name: str, content: Any) -> str:
        with _as_os_errors():
            return str(super()._save(name, content))

    def delete(self, name: str) -> None:
        with _as_os_errors():
            super().delete(name)

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with _as_os_errors():
            found: tuple[list[str], list[str]] = super().listdir(name)
            return found


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchKey":
            raise FileNotFoundError(errno.ENOENT, "no such file in the bucket") from error
        raise OSError(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(str(error)) from error
