"""The analysis types that come with the program, in the order in which they are shown. Pure.

One more is a module beside these and a line here: pages, search, exports, estimates and the local model go through
this registry.
"""

from collections.abc import Mapping

from nova.types import chapters, elements, picture_text, summary
from nova.types.spec import TypeSpec

BUILT_IN: Mapping[str, TypeSpec] = {
    spec.name: spec for spec in (summary.SPEC, chapters.SPEC, elements.SPEC, picture_text.SPEC)
}
