"""What the management plane answers `az`: one subscription and one instance, beside the twins."""

from typing import Any

import aiohttp
import pytest
from yarl import URL

from localtwins.http_server import HttpServer

INSTANCES = "providers/Microsoft.DigitalTwins/digitalTwinsInstances"


async def get(managed: HttpServer, path: str) -> tuple[int, Any]:
    url = URL(f"{managed.url}{path}", encoded=True)
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.json() if answer.content_length else None


@pytest.fixture
async def subscription(managed: HttpServer) -> str:
    """The path of the only one."""
    _, found = await get(managed, "/subscriptions?api-version=2022-12-01")
    [only] = found["value"]
    return str(only["id"])


async def test_a_login_finds_a_subscription_in_a_tenant(managed: HttpServer, subscription: str):
    _, tenants = await get(managed, "/tenants?api-version=2022-12-01")
    _, one = await get(managed, f"{subscription}?api-version=2022-12-01")
    assert one["id"] == subscription == f"/subscriptions/{one['subscriptionId']}"
    assert [tenant["tenantId"] for tenant in tenants["value"]] == [one["tenantId"]]
    assert one["state"] == "Enabled"


async def test_a_cloud_can_be_registered_by_its_management_endpoint_alone(managed: HttpServer):
    # What `az cloud register --endpoint-resource-manager` reads of the answer, with and without a slash behind the URL.
    for path in ("/metadata/endpoints", "//metadata/endpoints"):
        status, cloud = await get(managed, f"{path}?api-version=2022-09-01")
        assert status == 200
        assert cloud["resourceManager"] == f"https://127.0.0.1:{managed.port}/"
        assert cloud["authentication"]["loginEndpoint"].startswith("https://")
        assert cloud["authentication"]["audiences"]
        assert (cloud["name"], cloud["suffixes"]) == ("localtwins", {})


TENANT = "6c6f6361-6c74-4773-a96e-730000000001"
SUBSCRIPTION = "6c6f6361-6c74-4773-a96e-730000000002"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/localtwins"


async def test_resources_have_all_members_that_azure_gives_them(managed: HttpServer, subscription: str):
    assert (await get(managed, "/tenants?api-version=2022-12-01"))[1]["value"] == [
        {
            "id": f"/tenants/{TENANT}",
            "tenantId": TENANT,
            "displayName": "localtwins",
            "defaultDomain": "localtwins",
            "tenantType": "AAD",
        }
    ]
    assert (await get(managed, f"{subscription}?api-version=2022-12-01"))[1] == {
        "id": f"/subscriptions/{SUBSCRIPTION}",
        "subscriptionId": SUBSCRIPTION,
        "tenantId": TENANT,
        "displayName": "localtwins",
        "state": "Enabled",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "localtwins",
            "spendingLimit": "Off",
        },
    }
    assert (await get(managed, f"{GROUP}?api-version=2022-09-01"))[1] == {
        "id": GROUP,
        "name": "localtwins",
        "type": "Microsoft.Resources/resourceGroups",
        "location": "local",
        "properties": {"provisioningState": "Succeeded"},
    }
    assert (await get(managed, f"{GROUP}/{INSTANCES}/localtwins?api-version=2023-01-31"))[1] == {
        "id": f"{GROUP}/{INSTANCES}/localtwins",
        "name": "localtwins",
        "type": "Microsoft.DigitalTwins/digitalTwinsInstances",
        "location": "local",
        "tags": {},
        "properties": {
            "hostName": f"127.0.0.1:{managed.port}",
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
    }


async def test_a_cloud_has_its_endpoints_under_the_names_of_all_versions_of_az(managed: HttpServer):
    _, cloud = await get(managed, "/metadata/endpoints?api-version=2022-09-01")
    here = f"https://127.0.0.1:{managed.port}/"
    assert cloud == {
        "name": "localtwins",
        "resourceManager": here,
        "portal": here,
        "graphAudience": here,
        "graphEndpoint": here,
        "galleryEndpoint": here,
        "portalEndpoint": here,
        "authentication": {
            "loginEndpoint": here,
            "audiences": ["https://management.core.windows.net/"],
            "tenant": TENANT,
            "identityProvider": "AAD",
        },
        "suffixes": {},
    }


@pytest.mark.parametrize("place", [INSTANCES, f"resourceGroups/localtwins/{INSTANCES}"])
async def test_the_instance_is_found_by_name_with_its_host_and_port(managed: HttpServer, subscription: str, place: str):
    _, found = await get(managed, f"{subscription}/{place}?api-version=2023-01-31")
    [instance] = found["value"]
    assert instance["name"] == "localtwins"
    assert instance["properties"]["hostName"] == f"127.0.0.1:{managed.port}"
    assert await get(managed, f"{instance['id']}?api-version=2023-01-31") == (200, instance)
    assert await get(managed, f"{instance['id'].upper()}?api-version=2023-01-31") == (200, instance)


async def test_the_resource_group_of_the_instance_is_there(managed: HttpServer, subscription: str):
    _, found = await get(managed, f"{subscription}/resourcegroups?api-version=2022-09-01")
    [group] = found["value"]
    assert (await get(managed, f"{group['id']}?api-version=2022-09-01"))[1] == group


@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions/00000000-0000-0000-0000-000000000000",
        f"/subscriptions/00000000-0000-0000-0000-000000000000/{INSTANCES}",
        "{subscription}/resourceGroups/other",
        f"{{subscription}}/resourceGroups/other/{INSTANCES}",
        f"{{subscription}}/resourceGroups/other/{INSTANCES}/localtwins",
        f"{{subscription}}/resourceGroups/localtwins/{INSTANCES}/other",
        f"{{subscription}}/resourceGroups/localtwins/{INSTANCES}/localtwins/endpoints",
        "/metadata",
        "/tenants/x",
        "/tenants/%FF%ED%A0%80%00",
        f"/tenants/{'x' * 7000}",
    ],
)
async def test_other_resources_of_the_management_endpoint_are_not_there(
    managed: HttpServer, subscription: str, path: str
):
    status, answer = await get(managed, path.format(subscription=subscription) + "?api-version=2023-01-31")
    assert (status, answer["error"]["code"]) == (404, "ResourceNotFound")


async def test_the_twins_are_where_they_always_are(managed: HttpServer):
    assert await get(managed, "/models?api-version=2023-10-31") == (200, {"value": [], "nextLink": None})
    assert (await get(managed, "/subscriptionsx"))[0] == 404
