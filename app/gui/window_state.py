"""How the window stood, as a session keeps it: plain JSON values, read back with suspicion."""

from collections.abc import Mapping
from typing import Any

from app.analysis.base import Analysis, Params
from app.analysis.region import Region
from app.analysis.survey import Reduction
from app.errors import ElascopeError
from app.gui.map_panel import MapPanel
from app.gui.regions.desk import RegionDesk
from app.gui.table.canvas import Show
from app.gui.table.light_table import Arrangement, LightTable


def state_of(table: LightTable, panel: MapPanel, regions: RegionDesk) -> dict[str, Any]:
    """What a session keeps of the window."""
    shown, reference = table.subject, table.reference
    return {
        "analysis": panel.analysis.id,
        "parameters": panel.form.params.values(),
        "show": table.show_as.value,
        "arrangement": table.arrangement.value,
        "reduction": table.reduction.value,
        "opacity": panel.opacity.value(),
        "image": str(shown.inspection.path) if shown else "",
        "reference": str(reference.inspection.path) if reference else "",
        "regions": {
            name: [region.left, region.top, region.right, region.bottom]
            for name, region in regions.regions.items()
        },
    }


def take_up_settings(
    state: Mapping[str, Any], analyses: tuple[Analysis, ...], table: LightTable, panel: MapPanel
) -> None:
    """Set analysis, parameters and view; what does not fit this version is left as it is."""
    analysis = next((a for a in analyses if a.id == state.get("analysis")), None)
    if analysis is not None:
        panel.choose(analysis, _params(analysis, state.get("parameters")))
    for show in Show:
        if show.value == state.get("show"):
            table.set_show(show)
    for arrangement in Arrangement:
        if arrangement.value == state.get("arrangement"):
            table.set_arrangement(arrangement)
    for reduction in Reduction:
        if reduction.value == state.get("reduction"):
            panel.reduction.setCurrentText(reduction.value)
    opacity = state.get("opacity")
    if isinstance(opacity, int):
        panel.opacity.setValue(opacity)


def take_up_regions(state: Mapping[str, Any], regions: RegionDesk) -> None:
    """Set the regions A and B of the image that the state was taken with."""
    kept = state.get("regions")
    for name in ("A", "B"):
        edges = kept.get(name) if isinstance(kept, dict) else None
        if isinstance(edges, list) and len(edges) == 4 and all(type(e) is int for e in edges):
            region = Region(*edges)
            if region.area:
                regions.set(name, region)


def _params(analysis: Analysis, values: object) -> Params | None:
    try:
        return analysis.params(**values) if isinstance(values, dict) else None
    except (ElascopeError, TypeError):
        # Of another version, with other parameters or ranges.
        return None
