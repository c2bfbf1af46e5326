"""Data of one's own: a file for each kind, whose `read` finds out what is there.

To add one: write its file, name it in `OWN`, and give it a conf/data/NAME.yaml. Files are named
here as texts, so that a run's key sees the file of its own kind and of no other.
"""

OWN: dict[str, str] = {
    "arrays": "sizewise.data.own.arrays",
    "folder": "sizewise.data.own.folder",
    "table": "sizewise.data.own.table",
    "text": "sizewise.data.own.text",
}
