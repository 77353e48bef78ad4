"""What is shipped for a school's server, as far as it can be read without Docker; nginx is tried in tests/live."""

import base64
import hashlib
import re
import shlex
from importlib import resources
from pathlib import Path

import pytest
import yaml

from models.server import VARIABLES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE, NGINX = ((DEPLOY / name).read_text("utf-8") for name in ("Dockerfile", "nginx.conf"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
REPLICAS = {name: service for name, service in SERVICES.items() if name.startswith("replica-")}


def instructions() -> list[list[str]]:
    """The Dockerfile's, each with its words."""
    lines = re.sub(r"(?m)^\s*#.*\n", "", DOCKERFILE).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


def test_everything_that_is_copied_into_the_image_is_there():
    copied = [
        source
        for name, *words in instructions()
        if name == "COPY" and not words[0].startswith("--from")
        for source in words[:-1]
    ]
    assert not [source for source in copied if not (ROOT / source).exists()]
    assert {"app.py", "pages", "vis", "models", ".streamlit", "requirements.txt"} <= set(copied)


def test_the_image_runs_without_rights_and_says_how_it_is():
    names = [name for name, *_words in instructions()]
    users = [words for name, *words in instructions() if name == "USER"]
    assert users == [["1000"], ["0"], ["1000"]]  # of the app, and of the Space, which installs nginx in between
    for user, command in zip([i for i, name in enumerate(names) if name == "USER"][::2], commands(names), strict=True):
        assert "RUN" not in names[user:command]
    assert "/_stcore/health" in next(" ".join(words) for name, *words in instructions() if name == "HEALTHCHECK")


def commands(names: list[str]) -> list[int]:
    return [i for i, name in enumerate(names) if name == "CMD"]


def test_every_replica_of_compose_is_one_of_nginxs_and_the_other_way_round():
    addresses = {name: service["networks"]["inside"]["ipv4_address"] for name, service in REPLICAS.items()}
    assert all(address == f"172.28.93.{name.removeprefix('replica-')}" for name, address in addresses.items())
    assert set(addresses.values()) == set(re.findall(r"^\s+server (172[\d.]+):8501 ", NGINX, re.MULTILINE))
    assert len(addresses) > 1
    assert re.search("STREAMLIT_SERVER_PORT=8501", DOCKERFILE)


def test_a_replica_has_no_way_out_and_a_bound():
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for service in REPLICAS.values():
        assert set(service["networks"]) == {"inside"}
        assert "ports" not in service
        assert service["mem_limit"] == service["memswap_limit"]
        assert service["environment"]["CONVSCOPE_CLASS"] == "1"
        assert {name for name in service["environment"] if name.startswith("CONVSCOPE")} <= set(VARIABLES)
    assert SERVICES["nginx"]["user"] != "0"


def test_files_may_be_as_large_for_nginx_as_for_the_app():
    (megabytes,) = {service["environment"]["STREAMLIT_SERVER_MAX_UPLOAD_SIZE"] for service in REPLICAS.values()}
    assert f"STREAMLIT_SERVER_MAX_UPLOAD_SIZE={megabytes}" in DOCKERFILE
    assert re.search(rf"client_max_body_size {int(megabytes) + 1}m;", NGINX)  # with its envelope


@pytest.mark.parametrize("mounted", [volume for volume in SERVICES["nginx"]["volumes"] if "nginx.conf" in volume])
def test_what_nginx_is_given_is_there(mounted):
    here, inside, _mode = mounted.split(":")
    assert (DEPLOY / here).is_file()
    assert inside in SERVICES["nginx"]["entrypoint"]


@pytest.mark.parametrize("name", ["nginx.conf", "space.conf"])
def test_the_one_script_that_stands_in_streamlits_page_is_allowed_and_no_other(name):
    page = resources.files("streamlit").joinpath("static", "index.html").read_text("utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy "([^"]+)"', (DEPLOY / name).read_text("utf-8"))
    (scripts,) = (rule for rule in policy.split("; ") if rule.startswith("script-src"))
    assert scripts.split() == ["script-src", "'self'", "blob:", f"'sha256-{digest}'"]
