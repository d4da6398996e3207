"""Merging changes into a digital twin (RFC 7396)."""

from functools import partial

import orjson

from twinfront_server.adt.body import Body
from twinfront_server.adt.merge_patch import merged
from twinfront_server.adt.twin_json import Document
from twinfront_server.upstream import Upstream
from twinfront_server.wire.merge import Merge
from twinfront_server.writes.difference import difference
from twinfront_server.writes.rewriting import Rewritten, names_etag, rewrite


async def merge_digital_twin(
    upstream: Upstream, digital_twin_id: str, merge: Merge, *, if_match: str, large: bool
) -> Rewritten:
    """Merges changes into a twin; one that is as asked for already is not written.

    Raises:
        TwinfrontError: TWIN_NOT_FOUND; ETAG_MISMATCH; VALIDATION_FAILED or JSON_PATCH_INVALID with the path of the
            merge's field.
    """
    return await rewrite(
        upstream,
        digital_twin_id,
        partial(_patch, merge),
        if_match=if_match,
        any_author_counts=not names_etag(if_match),
        large=large,
    )


def _patch(merge: Merge, stored: Document) -> Body | None:
    operations = difference(stored, merged(stored, merge.document), merge.field)
    if not operations:
        return None
    return Body(
        orjson.dumps([operation.as_json() for operation in operations]),
        merge.field,
        items=[operation.path for operation in operations],
        item_field=lambda index: merge.field_at(operations[index].tokens),
    )
