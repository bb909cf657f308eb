"""Errors of an object store, translated into errors that say what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError

from readstate.errors import BadInput, LocalDisk, NotPermitted, ReadstateError, StoppedEarly

# Read from the text: obstore has classes for 401 and 403, but raises GenericError for every status of a listing.
_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MESSAGE = re.compile(r"<Message>([^<\n]+)")
_REQUEST = re.compile(r"Error performing (?P<method>\w+) (?P<origin>\w+://[^/ ]+)\S* in .*? - (?P<end>.*)")
_NO_BUCKET = {"NoSuchBucket", "InvalidBucketName", "ContainerNotFound", "InvalidResourceName", "AccountNotFound"}
_NOT_PERMITTED = {"401", "403"}
_OTHER_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_NO_CREDENTIALS = re.compile(r"169\.254\.169\.254|metadata\.google|[Mm]issing (credentials|access key)|Account must")
_PAGE = "pipeline/readstate/snapshot/storage/README.md lists the variables and the rights that a store needs."


@contextmanager
def translate_errors(root: str, path: str) -> Iterator[None]:
    """Translate errors of the store about *path* below *root* that are raised in the block.

    Raise `BadInput`, `NotPermitted`, `StoppedEarly` where the store does not answer, and `LocalDisk`.
    """
    try:
        yield
    except (BaseError, OSError) as error:
        raise translated(root, path, error) from error


@contextmanager
def translate_errors_but_missing(root: str, path: str) -> Iterator[None]:
    """Translate errors as `translate_errors` does, but let the `FileNotFoundError` of a missing object pass."""
    with translate_errors(root, path):
        try:
            yield
        except FileNotFoundError as error:
            if _is_about_the_bucket(error):
                raise
            missing = error
        else:
            return
    raise missing


def translated(root: str, path: str, error: Exception) -> ReadstateError:
    """Return the error of readstate's that *error* means for an operation on *path* below *root*."""
    text = str(error)
    status, code = _found(_STATUS, text), _found(_CODE, text)
    where = f"{root}/{path}" if path else root
    if code in _NO_BUCKET:
        return BadInput(
            f"{root}: there is no such bucket ({code})",
            hint="Create the bucket, or correct its name, or the endpoint, where one is set.",
        )
    if code in _OTHER_REGION or status in {"301", "307"}:
        return BadInput(
            f"{root}: the bucket is in another region ({code or status})",
            hint="Set AWS_REGION to the bucket's region.",
        )
    if _NO_CREDENTIALS.search(text):
        return NotPermitted(f"{root}: no credentials for the store were found", hint=_PAGE)
    if status in _NOT_PERMITTED:
        return NotPermitted(f"{where}: the store refuses: {_reason(text)}", hint=_PAGE)
    if isinstance(error, FileNotFoundError):
        return BadInput(
            f"{where}: there is no such object, or it was removed",
            hint="If its snapshot was replaced meanwhile, the same command reads the new one.",
        )
    if isinstance(error, OSError):
        return LocalDisk(f"{error.filename or where}: {error.strerror or error}")
    if status.startswith("4") and status not in {"408", "429"}:
        return BadInput(f"{where}: the store refuses: {_reason(text)}", hint=_PAGE)
    return StoppedEarly(
        f"{root}: the store does not answer: {_reason(text)}",
        hint="Check the network and the endpoint (AWS_ENDPOINT_URL, where it is set); then run the same command again.",
    )


def _is_about_the_bucket(error: Exception) -> bool:
    """Return whether the whole bucket is missing, rather than one object in it."""
    return _found(_CODE, str(error)) in _NO_BUCKET


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return "" if match is None else match[1]


def _reason(text: str) -> str:
    """Return the code and the message that the store sent, or else what its client says about the request."""
    code, message = _found(_CODE, text), _found(_MESSAGE, text)
    if code or message:
        return ": ".join(filter(None, (code, message.strip())))
    first = text.split("\n", 1)[0].strip().rstrip(":")
    request = _REQUEST.search(first)
    if request is None:
        return re.sub(r"^Generic \w+ error: ", "", first)
    return f"{request['method']} {request['origin']}: {request['end'].removeprefix('Server returned non-2xx ')}"
