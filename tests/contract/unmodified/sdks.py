"""The official SDKs of languages other than ours, with what DefaultAzureCredential needs."""

from pathlib import Path

from tests.caches import maven_class_path, npm_package

HERE = Path(__file__).parent


def javascript_sdk() -> Path:
    """The node_modules with the SDK; leaves the test out where it cannot be had."""
    return npm_package("@azure/digital-twins-core", "1.1.0", **{"@azure/identity": "4.13.1"}) / "node_modules"


def java_sdk() -> str:
    """The class path of the SDK; leaves the test out where it cannot be had."""
    return maven_class_path(HERE / "pom.xml")
