"""The few answers of Azure's management plane without which `az` neither logs in nor finds an instance.

There is one tenant, in it one subscription, in it one resource group, in it one instance: this one. It can be looked at
and not changed.
"""

from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from localtwins.identity.tokens import SUBSCRIPTION_ID, TENANT_ID

NAME: Final = "localtwins"
"""The name of the tenant, the subscription, the resource group and the instance."""

_AUDIENCE: Final = "https://management.core.windows.net/"
_SUBSCRIPTION: Final = f"/subscriptions/{SUBSCRIPTION_ID}"
_GROUP: Final = f"{_SUBSCRIPTION}/resourceGroups/{NAME}"
_INSTANCE: Final = f"{_GROUP}/providers/Microsoft.DigitalTwins/digitalTwinsInstances/{NAME}"


def add_management(application: web.Application) -> None:
    """Adds answers about management to those that an application gives already."""
    application.router.add_get("/{slashes:/*}{root:(?i:tenants|subscriptions|metadata)}{rest:(?:/.*)?}", _answer)


async def _answer(request: web.Request) -> web.Response:
    found = _found(request.path.lower().strip("/").split("/"), request.host)
    if found is None:
        message = f"The resource {request.path[:1000]} is not there: localtwins has one instance, {_INSTANCE}."
        return _json(HTTPStatus.NOT_FOUND, {"error": {"code": "ResourceNotFound", "message": message}})
    return _json(HTTPStatus.OK, found)


def _found(path: list[str], host: str) -> dict[str, Any] | None:
    """Gives the resource at a path, whose segments are in lower case since management ignores their case."""
    match path:
        case ["metadata", "endpoints"]:
            return _cloud(host)
        case ["tenants"]:
            return {"value": [_tenant()]}
        case ["subscriptions"]:
            return {"value": [_subscription()]}
        case ["subscriptions", subscription, *rest] if subscription == SUBSCRIPTION_ID:
            return _in_subscription(rest, host)
    return None


def _in_subscription(path: list[str], host: str) -> dict[str, Any] | None:
    match path:
        case []:
            return _subscription()
        case ["resourcegroups"]:
            return {"value": [_resource_group()]}
        case ["resourcegroups", group] if group == NAME:
            return _resource_group()
        case ["providers", "microsoft.digitaltwins", "digitaltwinsinstances"]:
            return {"value": [_instance(host)]}
        case ["resourcegroups", group, "providers", "microsoft.digitaltwins", "digitaltwinsinstances"] if group == NAME:
            return {"value": [_instance(host)]}
    return _instance(host) if path == _INSTANCE.removeprefix(f"{_SUBSCRIPTION}/").lower().split("/") else None


def _cloud(host: str) -> dict[str, Any]:
    """Gives the description of a cloud that `az cloud register` asks for.

    Endpoints that are not here are said to be here, so that nobody asks Azure.
    """
    here = f"https://{host}/"
    return {
        "name": NAME,
        "resourceManager": here,
        "portal": here,
        "graphAudience": here,
        "graphEndpoint": here,  # this and what follows: the names before 2019, which az used up to 2024
        "galleryEndpoint": here,
        "portalEndpoint": here,
        "authentication": {
            "loginEndpoint": here,
            "audiences": [_AUDIENCE],
            "tenant": TENANT_ID,
            "identityProvider": "AAD",
        },
        "suffixes": {},
    }


def _tenant() -> dict[str, Any]:
    return {
        "id": f"/tenants/{TENANT_ID}",
        "tenantId": TENANT_ID,
        "displayName": NAME,
        "defaultDomain": NAME,
        "tenantType": "AAD",
    }


def _subscription() -> dict[str, Any]:
    return {
        "id": _SUBSCRIPTION,
        "subscriptionId": SUBSCRIPTION_ID,
        "tenantId": TENANT_ID,
        "displayName": NAME,
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": NAME, "spendingLimit": "Off"},
    }


def _resource_group() -> dict[str, Any]:
    return {
        "id": _GROUP,
        "name": NAME,
        "type": "Microsoft.Resources/resourceGroups",
        "location": "local",
        "properties": {"provisioningState": "Succeeded"},
    }


def _instance(host: str) -> dict[str, Any]:
    return {
        "id": _INSTANCE,
        "name": NAME,
        "type": "Microsoft.DigitalTwins/digitalTwinsInstances",
        "location": "local",
        "tags": {},
        "properties": {"hostName": host, "provisioningState": "Succeeded", "publicNetworkAccess": "Enabled"},
    }


def _json(status: HTTPStatus, members: object) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(members), content_type="application/json", charset="utf-8")
