"""Which version of HTTP a server chooses where a client offers HTTP/2. Requests themselves are sent by HTTP/1.1."""

import pycurl

from readstate.errors import Unanswered
from readstate.settings.credentials import Credentials
from readstate.settings.settings import Settings
from readstate.twilio.http.request import Request
from readstate.twilio.transport.curl_transport import transfer_options

_NAMES = {pycurl.CURL_HTTP_VERSION_1_1: "HTTP/1.1", pycurl.CURL_HTTP_VERSION_2_0: "HTTP/2"}


async def chosen_http_version(settings: Settings, credentials: Credentials, request: Request) -> str:
    """Send *request* by TLS, offering HTTP/2, and return ``HTTP/2`` or what was chosen instead. Raise `Unanswered`."""
    curl = pycurl.Curl()
    try:
        for option, value in transfer_options(settings, credentials):
            curl.setopt(option, value)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.URL, settings.base_url.rstrip("/") + request.target)
        curl.setopt(pycurl.WRITEFUNCTION, len)
        async with pycurl.AsyncCurlMulti() as multi:
            await multi.add_handle(curl)
        return _NAMES.get(curl.getinfo(pycurl.INFO_HTTP_VERSION), "another version of HTTP")
    except pycurl.error as error:
        raise Unanswered(f"{request.method} {request.path}: no complete response: {error.args[-1]}") from error
    finally:
        curl.close()
