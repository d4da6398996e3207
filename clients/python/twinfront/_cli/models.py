"""`twinfront models list`, `create` and `tree`."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import shtab
from rich.text import Text
from rich.tree import Tree

from twinfront import Model
from twinfront._cli.connection import add_connection_arguments, connect
from twinfront._cli.graph_files import read_graph_files
from twinfront._cli.importing import GraphImport, import_all
from twinfront._cli.output import add_output_argument, console, print_rows, shown

EXAMPLES: Final = (
    "twinfront models list",
    "twinfront models create models",
    "twinfront models tree",
)

_LIST: Final = "List the models of the instance."
_CREATE: Final = "Create models from files; what is there already with the same content is left as it is."
_TREE: Final = "Draw which models extend which, and the components that they have."


def add_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments of all three."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, text: str, examples: Sequence[str]) -> ArgumentParser:
        epilog = "\n  ".join(("examples:", *examples))
        return commands.add_parser(
            name, help=text, description=text, epilog=epilog, formatter_class=RawDescriptionHelpFormatter
        )

    listing = add("list", _LIST, ("twinfront models list", "twinfront models list -o ndjson"))
    add_output_argument(listing)
    listing.set_defaults(models=_list)
    creating = add("create", _CREATE, ("twinfront models create models", "twinfront models create room.json --dry-run"))
    creating.add_argument(
        "files",
        metavar="PATH",
        nargs="+",
        help="A .json file with one DTDL interface or a list of them, or a folder.",
    ).complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
    creating.add_argument("--dry-run", action="store_true", help="Only say how it would end (localtwins only).")
    creating.set_defaults(models=_create)
    tree = add("tree", _TREE, ("twinfront models tree", "twinfront models tree 'dtmi:twinfront:sample:Space;1'"))
    tree.add_argument("model", metavar="MODEL", nargs="?", help="Only this model and those that extend it.")
    tree.set_defaults(models=_tree)
    for command in (listing, creating, tree):
        add_connection_arguments(command)


def run(options: Namespace) -> int:
    """Runs the one that was asked for."""
    code: int = options.models(options)
    return code


def _list(options: Namespace) -> int:
    with connect(options) as client:
        print_rows(map(_row, client.list_models(timeout=options.timeout)), options.output)
    return 0


def _row(model: Model) -> dict[str, Any]:
    return {
        "id": model.id,
        "displayName": next(iter(model.display_name.values()), ""),
        "decommissioned": model.decommissioned,
        "uploadTime": str(model.upload_time or ""),
    }


def _create(options: Namespace) -> int:
    files = read_graph_files(options.files)
    for item in [*files.twins, *files.relationships]:
        raise ValueError(f"{item.origin} is no model; twinfront apply takes it")
    for path in files.texts:
        raise ValueError(f"{path} may hold more than models; twinfront apply takes it")
    with connect(options) as client:
        imported = GraphImport(client, dry_run=options.dry_run, timeout=options.timeout)
        return import_all(imported, [("models", files.models)])


def _tree(options: Namespace) -> int:
    with connect(options) as client:
        stored = client.list_models(include_model_definition=True, timeout=options.timeout)
        models = {model.id: model.dtdl_model or {} for model in stored}
        if options.model is not None and options.model not in models:
            client.get_model(options.model, timeout=options.timeout)  # says that it is not there
    extending: dict[str, list[str]] = {}
    for model_id, document in models.items():
        for base in _references(document.get("extends")):
            extending.setdefault(base, []).append(model_id)
    tree = Tree("", hide_root=True)
    roots = [options.model] if options.model else sorted(models.keys() - {i for ids in extending.values() for i in ids})
    for root in roots:
        _grow(tree, root, models, extending)
    console().print(tree)
    return 0


def _grow(
    branch: Tree, model_id: str, models: Mapping[str, Mapping[str, Any]], extending: Mapping[str, Sequence[str]]
) -> None:
    document = models[model_id]
    node = branch.add(Text(shown(model_id), style="bold"))
    for name, schema in _components(document):
        node.add(Text(f"{shown(name)}: {shown(schema)}", style="dim"))
    for heir in sorted(extending.get(model_id, ())):
        _grow(node, heir, models, extending)


def _references(value: object) -> list[str]:
    """Lists the models that `extends` names: one id, or a list of ids."""
    entries = value if isinstance(value, list) else [value]
    return [entry for entry in entries if isinstance(entry, str)]


def _components(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    contents = document.get("contents")
    for entry in contents if isinstance(contents, list) else [contents]:
        if isinstance(entry, Mapping) and "Component" in _references(entry.get("@type")):
            schema = entry.get("schema")
            name = schema if isinstance(schema, str) else "(within)"
            yield str(entry.get("name")), name
