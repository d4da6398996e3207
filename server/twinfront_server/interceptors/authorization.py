"""Turns away who may not make a call, and limits others to the part of the graph that they may make it in."""

from collections.abc import Awaitable
from typing import Any

from twinfront_server.access.grants import Policy
from twinfront_server.access.permissions import Permission, roles_with
from twinfront_server.access.principal import Principal
from twinfront_server.access.rules import RULES, Rule
from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError, caller_not_permitted
from twinfront_server.interceptors.link import INFRASTRUCTURE, UNREGISTERED, Behaviour, Context, Link, Method


def authorize(policy: Policy | None) -> Link:
    """Makes the link that sets `Call.grant` and `Call.scope`.

    What is about the server itself is for whoever is known, and so is the answer that there is no such method.

    Args:
        policy: knows what principals may do; None if everybody may do everything.
    """

    def link(proceed: Behaviour, method: Method) -> Behaviour:
        if policy is None or method == UNREGISTERED or method.service in INFRASTRUCTURE:
            return proceed
        name, rule = method.full_name, RULES[method.full_name]

        def authorized(call: Call, request: Any, context: Context) -> Awaitable[Any]:
            call.grant = policy.grant(call.principal)
            scope = call.grant.get(name)
            if scope is None or (rule.whole and scope.is_limited):
                raise _refusal(call.principal, method, rule, limited=scope is not None)
            call.scope = scope
            return proceed(call, request, context)

        return authorized

    return link


def _refusal(principal: Principal, method: Method, rule: Rule, *, limited: bool) -> TwinfrontError:
    message = f"{principal.name} may not do this: {method.name} takes {_described(rule.permission)}"
    if limited:
        message += ", for the whole graph, and this caller has it for a part of the graph alone"
    return caller_not_permitted(f"{message}.", metadata={"permission": rule.permission or ""})


def _described(permission: Permission | None) -> str:
    if permission is None:
        return "no permission"
    *others, last = roles_with(permission)
    roles = f"the roles {', '.join(others)} and {last} have" if others else f"the role {last} has"
    return f"the permission {permission}, which {roles}"
