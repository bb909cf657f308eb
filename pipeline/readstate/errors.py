"""Every deliberate error, named by what to do next, with its exit code."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of all commands; the README explains them."""

    DONE = 0
    CHANGES_PRESENT = 2
    SOME_FAILED = 3
    SOME_DRIFTED = 4
    SOME_UNKNOWN = 5
    BAD_INPUT = 10
    GUARD_REFUSED = 11
    PLAN_UNUSABLE = 12
    LOCKED = 13
    NOT_PERMITTED = 14
    STOPPED_EARLY = 15
    CONSENT_MISSING = 16
    LOCAL_DISK = 20
    USAGE = 64
    INTERNAL = 70
    INTERRUPTED = 130
    TERMINATED = 143


class ReadstateError(Exception):
    """An expected failure: *message* says what happened and where, *hint* what to type next."""

    exit_code: ExitCode = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\n{self.hint}"


class BadInput(ReadstateError):
    """A file, cell or setting is wrong; nothing was sent."""

    exit_code = ExitCode.BAD_INPUT


class GuardRefused(ReadstateError):
    """A safety guard refused; nothing was written."""

    exit_code = ExitCode.GUARD_REFUSED


class PlanUnusable(ReadstateError):
    """The plan is damaged, too old, already applied, or made for another target."""

    exit_code = ExitCode.PLAN_UNUSABLE


class Locked(ReadstateError):
    """Another run holds what this one needs."""

    exit_code = ExitCode.LOCKED


class PublishedMeanwhile(Locked):
    """Another run has published the same date first; its snapshot is complete and stays."""


class NotPermitted(ReadstateError):
    """Credentials are missing, wrong, or may not do this."""

    exit_code = ExitCode.NOT_PERMITTED


class StoppedEarly(ReadstateError):
    """A budget or an outage ended the run; the same command resumes it."""

    exit_code = ExitCode.STOPPED_EARLY


class ConsentMissing(ReadstateError):
    """A person has to confirm, and there is no terminal to ask on."""

    exit_code = ExitCode.CONSENT_MISSING


class LocalDisk(ReadstateError):
    """The local disk is full or read-only, or the permissions are missing."""

    exit_code = ExitCode.LOCAL_DISK


class Damaged(LocalDisk):
    """A file does not hold what was written into it."""


class Usage(ReadstateError):
    """The command line does not make sense."""

    exit_code = ExitCode.USAGE


class Stopped(ReadstateError):
    """A signal asked the run to stop; its work is saved."""

    def __init__(self, message: str, *, exit_code: ExitCode, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code


class TransportError(ReadstateError):
    """No usable response came from Twilio; if that ended a run, the same command resumes it."""

    exit_code = ExitCode.STOPPED_EARLY
    throttled = 0
    """How often the request was refused with 429 before this failure."""
    status: int | None = None
    request_id: str | None = None
    """Of the response that could not be used, where there was one."""


class NotSent(TransportError):
    """The connection failed before a byte of the request left: it certainly had no effect."""

    def __init__(self, message: str, *, hint: str | None = None, is_lasting: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_lasting = is_lasting
        """Whether waiting will hardly help, as with an unknown host name; if nothing was reached yet, the run ends."""


class Unanswered(TransportError):
    """The request was sent and no complete response came: whether it had its effect is unknown."""


class UnusableAnswer(TransportError):
    """The body of a response is not what it should be: no JSON, not a page, or too large."""


class TooLate(ReadstateError):
    """A write waited in the queue until the state read before it was too old; it was not sent."""

    throttled = 0
    """How often the write was refused with 429 before that."""


class ApiError(ReadstateError):
    """Twilio refused a request; *code* is Twilio's own number where the body held one."""

    exit_code = ExitCode.STOPPED_EARLY
    advice: str | None = None

    def __init__(
        self,
        *,
        status: int,
        code: int | None,
        message: str,
        request_id: str | None,
        method: str,
        path: str,
    ) -> None:
        number = f", code {code}" if code is not None else ""
        request = f", request {request_id}" if request_id else ""
        super().__init__(f"{method} {path} answered {status}{number}: {message}{request}", hint=self.advice)
        self.status = status
        self.code = code
        self.detail = message
        self.request_id = request_id
        self.method = method
        self.path = path


class NotFound(ApiError):
    """404: the user, conversation or membership does not exist (any more)."""


class Refused(ApiError, NotPermitted):
    """401 or 403: the credentials are wrong or may not do this."""

    exit_code = ExitCode.NOT_PERMITTED
    advice = "Check the key and its permissions with: readstate doctor"
