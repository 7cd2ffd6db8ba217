"""How OpenAI's API is reached: accounts, headers, Azure, proxies, certificates, and servers that speak its least."""

from __future__ import annotations

import io
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from fakes.openai import FakeOpenAI, fake_openai
from fakes.openai_compatible import CompatibleServer
from fakes.openai_proxy import Proxy
from PIL import Image

import imagegen
from imagegen import Connection, ConnectionFailedError, ImageReady, InvalidRequestError, Partial, Task
from imagegen.settings import Settings
from imagegen_providers.openai import OpenAI, azure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.anyio
KEY, TOKEN = "sk-test-0000000000000000", "entra-token-00000000"
DATED = "2025-04-01-preview"
SMALL: dict[str, Any] = {"size": "1024x1024", "quality": "low"}


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeOpenAI]:
    with fake_openai(key=KEY, token=TOKEN, deployments={"my-deployment": "gpt-image-2"}) as found:
        yield found


@pytest.fixture
def server(listening: FakeOpenAI) -> FakeOpenAI:
    """The fake, as if just started."""
    listening.forget()
    return listening


def client(**connections: Connection) -> imagegen.AsyncClient:
    return imagegen.AsyncClient(connections=connections, timeout_s=20)


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "PNG")
    return file.getvalue()


# Headers.


@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_account_and_own_headers_go_with_every_request(server, operation):
    """Organization, project and the caller's own, with JSON and with a form; the key stays the connection's."""
    connection = Connection(
        api_key=KEY, base_url=server.base_url, organization="org-1", project="proj-1",
        headers={"X-Team": "blue", "Authorization": "Bearer somebody"},
    )  # fmt: skip
    async with client(openai=connection) as asking:
        if operation == "edit":
            await asking.edit("a fox", images=[png()], model="openai:gpt-image-2", **SMALL)
        else:
            await asking.generate("a fox", model="openai:gpt-image-2", **SMALL)
    headers = server.requests[0].headers
    found = (headers["openai-organization"], headers["openai-project"], headers["x-team"], headers["authorization"])
    assert found == ("org-1", "proj-1", "blue", f"Bearer {KEY}")


@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_environment_names_no_account_elsewhere(server, monkeypatch, operation):
    """What the environment says of OpenAI's account goes to OpenAI alone."""
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, f"ambient-{name}")
    asked: dict[str, Any] = {"images": [png()]} if operation == "edit" else {}
    async with client(openai=Connection(api_key=KEY, base_url=server.base_url)) as asking:
        await getattr(asking, operation)("a fox", model="openai:gpt-image-2", **asked, **SMALL)
    assert "ambient" not in str(server.requests[0].headers)


async def test_two_connections_stand_side_by_side(server):
    """One provider, two addresses and keys: neither hears of the other's."""
    with fake_openai(key="sk-second-00000000000000") as second:
        connections = {
            "one": Connection("openai", api_key=KEY, base_url=server.base_url),
            "two": Connection("openai", api_key="sk-second-00000000000000", base_url=second.base_url),
        }
        async with imagegen.AsyncClient(connections=connections, timeout_s=20) as asking:
            for name in ("one", "two", "one"):
                result = await asking.generate("a fox", model=f"{name}:gpt-image-2", **SMALL)
                assert result.model == f"{name}:gpt-image-2"
            await asking.edit("a fox", images=[png()], model="two:gpt-image-2", **SMALL)
        assert (server.billed, second.billed) == (2, 2)


async def test_keys_that_change_are_asked_for_each_time(server):
    """An async callable is asked before each submit, of either form."""
    asked = []

    async def key() -> str:
        asked.append(1)
        return KEY

    async with client(openai=Connection(api_key=key, base_url=server.base_url)) as asking:
        await asking.generate("a fox", model="openai:gpt-image-2", **SMALL)
        await asking.edit("a fox", images=[png()], model="openai:gpt-image-2", **SMALL)
    assert (len(asked), server.billed) == (2, 2)


# Azure.


def endpoint_of(base_url: str, **settings: Any) -> Any:
    return Settings({"azure": Connection("openai", base_url=base_url, api_key="k", **settings)}, {}).endpoint("azure")


HOST = "https://res.openai.azure.com"


@pytest.mark.parametrize(
    ("base_url", "version", "path", "named"),
    [
        (HOST, None, "/openai/v1/images/edits", False),
        (f"{HOST}/", "preview", "/openai/v1/images/edits", False),
        (f"{HOST}/openai/v1", None, "/images/edits", False),
        (f"{HOST}/openai/v1/", "v1", "/images/edits", False),
        (HOST, DATED, "/openai/deployments/dep%20%2F1/images/edits", True),
        (f"{HOST}/openai", DATED, "/deployments/dep%20%2F1/images/edits", True),
        (f"{HOST}/openai/deployments/dep-1", DATED, "/images/edits", True),
        ("https://res.services.ai.azure.com", None, "/openai/v1/images/edits", False),
        ("https://res.cognitiveservices.azure.com", None, "/openai/v1/images/edits", False),
        ("https://gateway.example", DATED, "/openai/deployments/dep%20%2F1/images/edits", True),
        ("https://gateway.example/v1", None, "/images/edits", False),
        ("https://evil.example/res.openai.azure.com", None, "/images/edits", False),
    ],
)
def test_where_azures_addresses_lead(base_url, version, path, named):
    """A bare resource gets its route; a deployment's address names the model, so the body does not."""
    endpoint = endpoint_of(base_url, api_version=version)
    task = Task(imagegen.ImageRequest(prompt="a", images=[png()]), "dep /1", "edit", endpoint=endpoint)
    wire = OpenAI().wire(task)
    assert (wire.path, "model" not in wire.form) == (path, named)
    assert dict(wire.query) == ({"api-version": version} if version else {})
    assert azure.names_model(task) is named


@pytest.mark.parametrize(
    ("address", "version"),
    [
        ("", None),
        ("", "preview"),
        ("", DATED),
        ("/openai/v1", None),
        ("/openai/v1", "preview"),
        ("/openai/deployments/my-deployment", DATED),
    ],
)
@pytest.mark.parametrize("operation", ["generate", "edit", "stream"])
async def test_azure_by_its_host(server, address, version, operation):
    """A static key goes into Azure's own header, and every route that Azure has is found."""
    async with Proxy(server.origin) as proxy:
        connection = Connection(
            "openai",
            api_key=KEY,
            base_url=f"http://res.openai.azure.com{address}",
            api_version=version,
            proxy=proxy.url,
        )
        async with imagegen.AsyncClient(connections={"azure-eu": connection}, timeout_s=20) as asking:
            if operation == "stream":
                async with asking.stream("a fox", model="azure-eu:my-deployment", partial_images=1, **SMALL) as events:
                    seen = [type(event) async for event in events]
                assert seen[:2] == [Partial, ImageReady]
            else:
                more = {"images": [png()]} if operation == "edit" else {}
                result = await getattr(asking, operation)("a fox", model="azure-eu:my-deployment", **more, **SMALL)
                assert result.image.width == 1024
    received = server.requests[0]
    assert (received.headers["api-key"], "authorization" in received.headers) == (KEY, False)
    assert received.query == ({"api-version": version} if version else {})
    assert ("model" in received.body) is ("deployments" not in received.path)
    assert (server.submits, server.billed) == (1, 1)


@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_azure_token_is_a_bearers(server, operation):
    """A callable gives tokens (Entra), which are shown as such."""

    async def token() -> str:
        return TOKEN

    connection = Connection("openai", api_key=token, base_url=server.origin, api_version=DATED)
    more: dict[str, Any] = {"images": [png()]} if operation == "edit" else {}
    async with client(azure=connection) as asking:
        await getattr(asking, operation)("a fox", model="azure:my-deployment", **more, **SMALL)
    received = server.requests[0]
    assert (received.headers["authorization"], "api-key" in received.headers) == (f"Bearer {TOKEN}", False)
    assert received.path.startswith("/openai/deployments/my-deployment/images/")


async def test_unknown_deployment_is_azures_404(server):
    """A model's own name is no deployment; nothing is billed."""
    async with client(azure=Connection("openai", api_key=KEY, base_url=server.origin, api_version="v1")) as asking:
        with pytest.raises(InvalidRequestError) as caught:
            await asking.generate("a fox", model="azure:gpt-image-2")
    assert (caught.value.code, caught.value.billed.value) == ("DeploymentNotFound", "no")


async def test_fake_azure_is_strict(server):
    """No dated version on v1, none missing at a deployment, no second model, no webp, no JSON edits."""
    v1, deployment = f"{server.origin}/openai/v1", f"{server.origin}/openai/deployments/my-deployment"
    at_v1 = Connection("openai", api_key=KEY, base_url=v1, api_version="v1")
    dated_v1 = Connection("openai", api_key=KEY, base_url=v1, api_version=DATED)
    undated = Connection("openai", api_key=KEY, base_url=deployment, api_version="v1")
    wrong_key = Connection("openai", api_key=lambda: KEY, base_url=v1, api_version="v1")
    webp: dict[str, Any] = {"output_format": "webp"}
    json_edit: dict[str, Any] = {"images": ["https://pictures.example/a.png"]}
    async with client(at_v1=at_v1, dated_v1=dated_v1, undated=undated, wrong_key=wrong_key) as asking:
        for name, more in (("dated_v1", {}), ("undated", {}), ("wrong_key", {}), ("at_v1", webp), ("at_v1", json_edit)):
            verb = asking.edit if "images" in more else asking.generate
            with pytest.raises(imagegen.ProviderError):
                await verb("a fox", model=f"{name}:my-deployment", **more)
    assert [each["code"] for each in server.refusals] == [
        "BadRequest", "404", "invalid_api_key", "invalid_value", "UnsupportedMediaType",
    ]  # fmt: skip
    assert server.billed == 0


# Proxies and certificates.


@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_requests_go_through_the_proxy(server, operation):
    """Plain http in the absolute form, with the proxy's own credentials, which the provider never sees."""
    async with Proxy(server.origin) as proxy:
        through = proxy.url.replace("http://", "http://user:secret@")
        connection = Connection(api_key=KEY, base_url="http://openai.example/v1", proxy=through)
        more: dict[str, Any] = {"images": [png()]} if operation == "edit" else {}
        async with client(openai=connection) as asking:
            await getattr(asking, operation)("a fox", model="openai:gpt-image-2", **more, **SMALL)
        (head,) = proxy.heads
    assert head.startswith("POST http://openai.example/v1/images/")
    assert "proxy-authorization: basic " in head.lower()
    assert "proxy-authorization" not in server.requests[0].headers
    assert server.requests[0].headers["host"] == "openai.example"


async def test_proxy_that_is_not_there_is_no_connection(server):
    """Nothing is sent past it."""
    connection = Connection(api_key=KEY, base_url=server.base_url, proxy="http://127.0.0.1:1")
    async with client(openai=connection) as asking:
        with pytest.raises(ConnectionFailedError):
            await asking.edit("a fox", images=[png()], model="openai:gpt-image-2")
    assert server.requests == []


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A private authority's certificate, and a server's certificate and key that it signed."""
    folder = tmp_path_factory.mktemp("private")
    (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1,DNS:openai.example\n")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    authority = [
        *new, "-x509", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test authority",
        "-addext", "keyUsage=critical,keyCertSign",
    ]  # fmt: skip
    request = [*new, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1"]
    sign = [
        "openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-out", "server.pem", "-extfile", "extensions",
    ]  # fmt: skip
    try:
        for command in (authority, request, sign):
            subprocess.run(command, cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("no openssl here to make a certificate with")
    return folder / "ca.pem", folder / "server.pem", folder / "server.key"


@pytest.mark.parametrize("proxied", [False, True], ids=["directly", "through a tunnel"])
async def test_private_certificate_is_trusted_when_named(private, proxied):
    """A path adds to what is trusted, with JSON and with a form."""
    authority, certificate, key = private
    with fake_openai(key=KEY, certificate=(str(certificate), str(key))) as server:
        async with Proxy(server.origin) as proxy:
            where = {"base_url": "https://openai.example/v1", "proxy": proxy.url} if proxied else {}
            connection = Connection(
                api_key=KEY, **{"base_url": server.base_url, **where}, tls_verify=str(authority)
            )  # fmt: skip
            async with client(openai=connection) as asking:
                await asking.generate("a fox", model="openai:gpt-image-2", **SMALL)
                await asking.edit("a fox", images=[png()], model="openai:gpt-image-2", **SMALL)
        assert server.billed == 2
        assert [head.startswith("CONNECT openai.example:443") for head in proxy.heads] == [True] * len(proxy.heads)
        assert bool(proxy.heads) is proxied


@pytest.mark.parametrize("operation", ["generate", "edit"])
async def test_private_certificate_is_refused_otherwise(private, operation):
    """A server that cannot show who it is gets no byte of the request."""
    _, certificate, key = private
    more: dict[str, Any] = {"images": [png()]} if operation == "edit" else {}
    with fake_openai(key=KEY, certificate=(str(certificate), str(key))) as server:
        async with client(openai=Connection(api_key=KEY, base_url=server.base_url)) as asking:
            with pytest.raises(ConnectionFailedError, match="(?i)certificate"):
                await getattr(asking, operation)("a fox", model="openai:gpt-image-2", **more)
        assert server.requests == []


# Servers that speak the least of it.


@pytest.mark.parametrize("answers", ["b64", "url"])
async def test_server_that_knows_four_fields(answers):
    """Prompt, model, n and size are enough; the cost is unknown, and said to be."""
    async with CompatibleServer(answers) as there:
        async with client(local=Connection("openai", base_url=there.base_url)) as asking:
            result = await asking.generate("a fox", model="local:sd-cpp-local", n=2, size="512x512")
    assert there.bodies == [{"prompt": "a fox", "model": "sd-cpp-local", "n": 2, "size": "512x512"}]
    assert [(each.width, each.height) for each in result.images] == [(512, 512)] * 2
    assert (result.usage, result.cost.amount_usd) == (None, None)
    assert any("not in the catalogue" in each for each in result.warnings)
    assert all("authorization" not in each for each in there.headers)


async def test_key_of_a_compatible_server_stays_off_its_files():
    """The picture's own URL is fetched without the key."""
    async with CompatibleServer("url") as there:
        async with client(local=Connection("openai", base_url=there.base_url, api_key=KEY)) as asking:
            await asking.generate("a fox", model="local:sd-cpp-local")
    assert ["authorization" in each for each in there.headers] == [True, False]


@pytest.mark.parametrize("fields", [{"quality": "low"}, {"seed": 7}, {"end_user_id": "u1"}])
async def test_plain_text_error_is_kept(fields):
    """What it does not know is sent as asked, and its own words come back."""
    async with CompatibleServer() as there:
        async with client(local=Connection("openai", base_url=there.base_url)) as asking:
            with pytest.raises(InvalidRequestError, match="unknown field"):
                await asking.generate("a fox", model="local:sd-cpp-local", **fields)
    assert len(there.bodies) == 1
