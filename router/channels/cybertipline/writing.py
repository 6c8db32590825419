"""A report as XML, and whether a document fits a schema.

`lxml` is imported when something is written, not before: a web process that never shows a draft does without it.
Nothing of a document is ever said: not in an error, and not by a schema's own words about it.
"""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from router.channels.cybertipline.elements import Element, Report, called
from router.errors import Unrenderable

if TYPE_CHECKING:
    from lxml import etree

MEDIA_TYPE: Final = "text/xml; charset=utf-8"
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_LOADERS: Final = tuple(f"{{http://www.w3.org/2001/XMLSchema}}{name}" for name in ("include", "import", "redefine"))
"""What has libxml2 read files of this machine."""
_SCHEMA_THERE: Final = "https://report.cybertip.org/ispws/xsd"
"""What NCMEC's documentation names in each report; nobody here calls it for that."""


def written(report: Report) -> bytes:
    """Return the document, of which the profile was asked; raises Unrenderable `not_our_profile`: our mistake."""
    from lxml import etree  # noqa: PLC0415 - heavy

    root = etree.Element("report", nsmap={"xsi": _INSTANCE})
    root.set(f"{{{_INSTANCE}}}noNamespaceSchemaLocation", _SCHEMA_THERE)
    _fill(root, report)
    etree.indent(root)
    if not profile().validate(root):
        raise Unrenderable("not_our_profile")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"


@cache
def profile() -> "etree.XMLSchema":
    """Return our own schema, narrower than NCMEC's: what it accepts has no place for content."""
    return schema(files(__package__).joinpath("profile.xsd").read_bytes())


def schema(text: bytes) -> "etree.XMLSchema":
    """Return the schema that `text` is; raises ValueError when it is none, or would have others loaded."""
    from lxml import etree  # noqa: PLC0415 - heavy

    try:
        root = _read(text)
        if any(True for _ in root.iter(*_LOADERS)):
            raise ValueError("schema_loads_others")
        return etree.XMLSchema(root)
    except etree.LxmlError:
        raise ValueError("no_schema") from None


def fits(document: bytes, to: "etree.XMLSchema") -> bool:
    """Say whether the document is one of the schema's."""
    from lxml import etree  # noqa: PLC0415 - heavy

    try:
        return bool(to.validate(_read(document)))
    except etree.LxmlError:
        return False


def _read(text: bytes) -> "etree._Element":
    """Return what `text` holds; no entity is expanded, and nothing is fetched."""
    from lxml import etree  # noqa: PLC0415 - heavy

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(text, parser)


def _fill(there: "etree._Element", element: Element) -> None:
    """Write the element's fields into it, in their order."""
    for name, value in element:
        if name == "type":
            there.set(name, value)
        elif name == "text":
            there.text = value
        else:
            for one in value if isinstance(value, tuple) else (value,):
                _add(there, called(name), one)


def _add(there: "etree._Element", name: str, value: Any) -> None:
    from lxml import etree  # noqa: PLC0415 - heavy

    if value is None or value is False:
        return
    made = etree.SubElement(there, name)
    if isinstance(value, Element):
        _fill(made, value)
    else:
        made.text = "true" if value is True else str(value)
