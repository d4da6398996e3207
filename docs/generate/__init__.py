"""Makes the parts of README.md and docs/ that come from the code.

    python -m docs.generate            writes them anew
    python -m docs.generate --check    exits with 1 and names the files that are stale

In a page such a part stands between `<!-- begin errors -->` and `<!-- end errors -->`; the names are those of
`pages.PARTS`.
"""
