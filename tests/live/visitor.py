"""A visitor without a browser: speaks to the server as Streamlit's own page does, and knows what is on its screen.

It keeps the tree of elements as a browser does, says of a message that it still has it, answers with the state of its
widgets, and fetches the pictures that stand behind addresses.
"""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.message import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 120.0  # seconds after which a run has failed
EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"  # under which a component of ours reports
XSRF = "_streamlit_xsrf"  # the cookie whose value a request that changes something repeats in its head
# What a run before says of a place is what Streamlit's page asks for again by its hash.
RUNS_TO_REMEMBER = 2
EARLY = ForwardMsg.ScriptFinishedStatus.FINISHED_EARLY_FOR_RERUN
GOOD = {
    ForwardMsg.ScriptFinishedStatus.FINISHED_SUCCESSFULLY,
    ForwardMsg.ScriptFinishedStatus.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
}


class Failed(Exception):
    """A visit that did not end well: an error on the page, a connection that broke, a picture that is not there."""


@dataclass(frozen=True, eq=False)
class Shown:
    """An element of the screen, or a block of such."""

    element: Message  # of Streamlit's protocol
    run: str
    fragment: str


@dataclass
class Visitor:
    """One session; `async with Visitor(address) as visitor`, after which the first run is over.

    Args:
        address: of the server, with the page and its query.
    """

    address: str
    screen: dict[tuple[int, ...], Shown] = field(default_factory=dict)
    query: str = ""
    received: int = 0  # bytes
    runs: int = 0

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        self._host, self._page, self.query = parts.netloc, parts.path.strip("/"), parts.query
        self._states: dict[str, WidgetState] = {}
        self._messages: dict[str, tuple[ForwardMsg, int]] = {}
        self._run, self._fragments, self._script = "", frozenset[str](), ""
        self._files: dict[str, str] = {}
        self._web = _Web(self._host)
        self._socket: ClientConnection | None = None

    async def __aenter__(self) -> "Visitor":
        try:
            self._socket = await connect(
                f"ws://{self._host}/_stcore/stream",
                subprotocols=["streamlit"],
                max_size=None,
                open_timeout=PATIENCE,
                ping_interval=None,
                compression=None,
            )
            self._web.keep(self._socket.response.headers.get_all("Set-Cookie"))  # of a proxy, to stay at its replica
            await self.rerun()
        except BaseException as error:
            await self.__aexit__(type(error), error, None)
            if isinstance(error, OSError | TimeoutError | ConnectionClosed):
                raise Failed(f"no connection: {error!r}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket:
            await self._socket.close()
        self._web.close()

    # What is on the screen ----------------------------------------------------------------------------------------

    def elements(self) -> Iterator[tuple[str, Message, Shown]]:
        """Every element, in the order of the page: its kind, itself, and where it belongs to."""
        for _path, shown in sorted(self.screen.items()):
            if shown.element.DESCRIPTOR.name == "Element" and (kind := shown.element.WhichOneof("type")):
                yield kind, getattr(shown.element, kind), shown

    def ids(self) -> list[str]:
        """Of all widgets."""
        return [element.id for _kind, element, _shown in self.elements() if getattr(element, "id", "")]

    def widget(self, key: str) -> tuple[str, Message, str]:
        """The widget of this key: its kind, itself, and the fragment that it reruns.

        Raises:
            Failed: if it is not on the screen.
        """
        for kind, element, shown in self.elements():
            if key_of(getattr(element, "id", "")) == key:
                return kind, element, shown.fragment
        raise Failed(f"there is no widget {key!r}")

    def has(self, key: str) -> bool:
        """Whether a widget of this key is on the screen."""
        return key in map(key_of, self.ids())

    def options(self, key: str) -> list[str]:
        """What a list, or buttons to choose from, offer."""
        return [getattr(option, "content", option) for option in self.widget(key)[1].options]

    def data(self, key: str) -> dict[str, Any]:
        """What a component of this key was given."""
        return data_of(self.widget(key)[1])

    # What a visitor does ------------------------------------------------------------------------------------------

    async def report(self, key: str, event: str, value: Any) -> None:
        """Lets one of our components say something."""
        _kind, element, fragment = self.widget(key)
        state = WidgetState(id=EVENTS.format(element.id))
        state.json_trigger_value = json.dumps([{"event": event, "value": value}])
        await self.rerun(state, fragment=fragment)

    async def choose(self, key: str, words: str) -> None:
        """Chooses from a list, or one of some buttons, what is called so.

        Raises:
            Failed: if nothing there is.
        """
        kind, element, fragment = self.widget(key)
        if words not in self.options(key):
            raise Failed(f"{key!r} does not offer {words!r}")
        state = WidgetState(id=element.id)
        if kind == "selectbox":
            state.string_value = words
        else:
            state.string_array_value.data.append(words)
        self._states[element.id] = state
        await self.rerun(fragment=fragment)

    async def turn_to(self, page: str) -> None:
        """Goes to another page, as by the menu."""
        self._page, self._script = page, ""
        await self.rerun()

    async def press(self, key: str) -> None:
        """Presses a button."""
        _kind, element, fragment = self.widget(key)
        await self.rerun(WidgetState(id=element.id, trigger_value=True), fragment=fragment)

    async def upload(self, key: str, name: str, content: bytes) -> None:
        """Gives a file to a field for files."""
        from streamlit.proto.Common_pb2 import FileUploaderState, UploadedFileInfo

        _kind, element, fragment = self.widget(key)
        asked = BackMsg()
        asked.file_urls_request.request_id = name
        asked.file_urls_request.file_names.append(name)
        await self._send(asked)
        while (message := await self._next()).WhichOneof("type") != "file_urls_response":
            self._take(message)
        (urls,) = message.file_urls_response.file_urls
        await self._web.put(urls.upload_url, name, content)
        info = UploadedFileInfo(file_id=urls.file_id, name=name, size=len(content), file_urls=urls)
        self._states[element.id] = WidgetState(
            id=element.id, file_uploader_state_value=FileUploaderState(uploaded_file_info=[info])
        )
        await self.rerun(fragment=fragment)

    async def rerun(self, *triggers: WidgetState, fragment: str = "") -> None:
        """Asks for a run and waits for its end: everything that it draws is on the screen then.

        Raises:
            Failed: if it does not end well.
        """
        there = set(self.ids())
        self._states = {id: state for id, state in self._states.items() if id in there}
        asked = BackMsg()
        client = asked.rerun_script
        client.query_string, client.page_script_hash, client.fragment_id = self.query, self._script, fragment
        client.page_name = "" if self._script else self._page
        client.widget_states.widgets.extend([*self._states.values(), *triggers])
        client.cached_message_hashes.extend(self._messages)
        client.context_info.url = f"http://{self._host}/{self._page}"
        client.context_info.locale = "en-US"
        client.context_info.timezone = "UTC"
        client.context_info.color_scheme = "light"
        self.runs += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._send(asked)
                while not self._take(await self._next()):
                    pass
        except TimeoutError:
            raise Failed(f"a run took longer than {PATIENCE:.0f} s") from None
        self._look_for_errors()

    async def fetch(self) -> None:
        """Fetches the pictures on the screen that stand behind addresses and are not here yet.

        Raises:
            Failed: if one is not to be had.
        """
        for kind, element, _shown in self.elements():
            for picture in element.imgs if kind == "imgs" else ():
                if picture.url not in self._files:
                    content = await self._web.get(picture.url)
                    self.received += len(content)
                    self._files[picture.url] = digest(content)

    def file(self, url: str) -> str:
        """The digest of a fetched file."""
        return self._files[url]

    # The protocol -------------------------------------------------------------------------------------------------

    async def _send(self, message: BackMsg) -> None:
        try:
            await self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise Failed(f"the connection broke: {error}") from error

    async def _next(self) -> ForwardMsg:
        try:
            content = await self._socket.recv(decode=False)
        except ConnectionClosed as error:
            raise Failed(f"the connection broke: {error}") from error
        self.received += len(content)
        return ForwardMsg.FromString(content)

    def _take(self, message: ForwardMsg) -> bool:
        """Does what a message says; whether it is the last one of a run."""
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            known = self._messages.get(message.ref_hash)
            if known is None:
                raise Failed("the server counts on a message that is not here")
            metadata, message = message.metadata, ForwardMsg()
            message.CopyFrom(known[0])
            message.metadata.CopyFrom(metadata)
            kind = message.WhichOneof("type")
        if message.metadata.cacheable and message.hash:
            self._messages[message.hash] = message, self.runs
        match kind:
            case "new_session":
                run = message.metadata.run
                self._run, self._fragments = run.script_run_id, frozenset(run.fragment_ids)
            case "delta":
                self._draw(tuple(message.metadata.delta_path), message.delta)
            case "navigation":
                self._script = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "session_event" if message.session_event.HasField("script_compilation_exception"):
                raise Failed(str(message.session_event.script_compilation_exception.message))
            case "script_finished" if message.script_finished != EARLY:
                if message.script_finished not in GOOD:
                    raise Failed(f"a run ended with status {message.script_finished}")
                self._clear()
                return True
        return False

    def _draw(self, path: tuple[int, ...], delta: Message) -> None:
        kind = delta.WhichOneof("type")
        if kind == "new_transient":  # a spinner, over what is there
            return
        if kind == "new_element":
            for below in [known for known in self.screen if known[: len(path)] == path]:
                del self.screen[below]
            element = delta.new_element
            if (inner := element.WhichOneof("type")) and getattr(getattr(element, inner), "set_value", False):
                self._states.pop(getattr(element, inner).id, None)  # the server has set it
        else:
            element = delta.add_block
        self.screen[path] = Shown(element, self._run, delta.fragment_id)

    def _clear(self) -> None:
        """Takes away what the run has not drawn again; of a fragment's run, in that fragment."""
        self.screen = {
            path: shown
            for path, shown in self.screen.items()
            if shown.run == self._run or (self._fragments and shown.fragment not in self._fragments)
        }
        for hash in [one for one, (_m, run) in self._messages.items() if run + RUNS_TO_REMEMBER <= self.runs]:
            del self._messages[hash]

    def _look_for_errors(self) -> None:
        for kind, element, _shown in self.elements():
            if kind == "exception":
                raise Failed(f"{element.type}: {element.message}")
            if kind == "alert" and element.format == element.ERROR:
                raise Failed(element.body)


class _Web:
    """Fetches over one connection that stays open, as a browser's do."""

    def __init__(self, host: str):
        self._host = host
        self._cookies: dict[str, str] = {}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def keep(self, cookies: Iterable[str]) -> None:
        """Sends these from now on."""
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name.strip()] = value

    async def get(self, url: str) -> bytes:
        return await self._ask(f"GET {url}", b"")

    async def put(self, url: str, name: str, content: bytes) -> None:
        border = digest(content)
        head = f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{border}--\r\n".encode()
        await self._ask("GET /_stcore/health", b"")  # which gives the token that a page's own requests are known by
        more = f"X-Xsrftoken: {self._cookies[XSRF]}\r\n"
        await self._ask(f"PUT {url}", body, f"{more}Content-Type: multipart/form-data; boundary={border}\r\n")

    async def _ask(self, what: str, body: bytes, more: str = "") -> bytes:
        if self._cookies:
            more += f"Cookie: {'; '.join('='.join(cookie) for cookie in self._cookies.items())}\r\n"
        try:
            async with asyncio.timeout(PATIENCE):
                for is_last in (False, True):  # the server may have closed a connection that was long idle
                    if self._streams is None:
                        host, _, port = self._host.partition(":")
                        self._streams = await asyncio.open_connection(host, int(port))
                    reader, writer = self._streams
                    try:
                        head = f"{what} HTTP/1.1\r\nHost: {self._host}\r\n{more}Content-Length: {len(body)}\r\n\r\n"
                        writer.write(head.encode() + body)
                        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                        break
                    except (ConnectionError, asyncio.IncompleteReadError):
                        self.close()
                        if is_last:
                            raise
                status, *lines = answer.split("\r\n")
                fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
                self.keep(value for name, value in fields if name == "set-cookie")
                content = await reader.readexactly(int(dict(fields).get("content-length", 0)))
        except (OSError, EOFError, TimeoutError) as error:
            raise Failed(f"{what}: {error!r}") from error
        if not 200 <= int(status.split()[1]) < 300:
            raise Failed(f"{what}: {status}")
        return content

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
        self._streams = None


def digest(content: bytes | str) -> str:
    """What stands for a content and is short."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:16]


def data_of(component: Message) -> dict[str, Any]:
    """What a component of ours was given."""
    return json.loads(component.json)


def key_of(id: str) -> str:
    """The key that a widget was given, by its id."""
    return id.split("-", 2)[-1] if id.startswith("$$ID-") else ""
