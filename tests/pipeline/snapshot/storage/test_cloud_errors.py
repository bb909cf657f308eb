import pytest
from obstore.exceptions import GenericError, PermissionDeniedError

from readstate.errors import BadInput, LocalDisk, NotPermitted, ReadstateError, StoppedEarly
from readstate.snapshot.storage.cloud_errors import translate_errors, translated

ROOT = "s3://bucket/root"
REQUEST = (
    "Generic S3 error: Error performing PUT https://s3.example/bucket/root/a?partNumber=1 in 3.1ms, after 2 retries - "
)


def answer(status: str, body: str = "") -> str:
    return f"{REQUEST}Server returned non-2xx status code: {status}: {body}\n\nDebug source:\nGeneric {{ … }}"


def xml(code: str, message: str = "Something.") -> str:
    return f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (GenericError(answer("404 Not Found", xml("NoSuchBucket"))), BadInput, f"{ROOT}: there is no such bucket"),
        (FileNotFoundError(answer("404 Not Found", xml("ContainerNotFound"))), BadInput, "no such bucket"),
        (GenericError(answer("301 Moved", xml("PermanentRedirect"))), BadInput, "another region (PermanentRedirect)"),
        (
            PermissionDeniedError(answer("403 Forbidden", xml("AccessDenied", "Not you."))),
            NotPermitted,
            f"{ROOT}/a: the store refuses: AccessDenied: Not you.",
        ),
        (
            PermissionDeniedError(answer("403 Forbidden")),
            NotPermitted,
            "refuses: PUT https://s3.example: status code: 403 Forbidden",
        ),
        (GenericError(answer("401 Unauthorized")), NotPermitted, "the store refuses"),
        (
            GenericError("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error"),
            NotPermitted,
            "no credentials for the store were found",
        ),
        (GenericError(answer("400 Bad Request", xml("EntityTooLarge"))), BadInput, "refuses: EntityTooLarge"),
        (
            GenericError(answer("503 Slow Down", xml("SlowDown", "Reduce your rate."))),
            StoppedEarly,
            f"{ROOT}: the store does not answer: SlowDown: Reduce your rate.",
        ),
        (GenericError(answer("429 Too Many Requests")), StoppedEarly, "does not answer"),
        (
            GenericError(f"{REQUEST}HTTP error: error sending request"),
            StoppedEarly,
            "does not answer: PUT https://s3.example: HTTP error: error sending request",
        ),
        (GenericError("Generic S3 error: something else"), StoppedEarly, "does not answer: something else"),
        (FileNotFoundError(answer("404 Not Found", xml("NoSuchKey"))), BadInput, f"{ROOT}/a: there is no such object"),
        (OSError(28, "No space left on device", "/staging/part"), LocalDisk, "/staging/part: No space left on device"),
    ],
)
def test_an_error_is_translated_by_what_to_do(error: Exception, kind: type[ReadstateError], words: str) -> None:
    found = translated(ROOT, "a", error)

    assert type(found) is kind
    assert words in found.message
    assert "\n" not in found.message
    assert "Debug source" not in str(found)


def test_an_error_of_readstate_stays_as_it_is() -> None:
    with pytest.raises(BadInput, match="mine"), translate_errors(ROOT, "a"):
        raise BadInput("mine")
