"""Borders of the zones and of the states, small enough to travel with the project.

`data/zones.topojson` is made of the county boundaries of the Census Bureau (cartographic
boundaries of 2017, 1:10 million, public domain) as the npm package us-atlas ships them (version
3.0.1, ISC licence): counties joined to zones, borders simplified. To make it again::

    npm pack us-atlas && tar xzf us-atlas-*.tgz
    python -m specialization.data.boundaries package/counties-10m.json

TopoJSON keeps each border once, so that neighbours cannot overlap or gape.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import store
from ..errors import DataError

if TYPE_CHECKING:
    import geopandas as gpd

FILE = "zones.topojson"
SOURCE = (
    "County boundaries of the US Census Bureau, 2017 (public domain), by us-atlas 3.0.1, "
    "joined to the commuting zones of 1990 and simplified"
)

TOLERANCE = 0.03
"""Degrees, about 3 km: a border moves over no triangle larger than the square of this."""
STEP = 0.002
"""Degrees between the coordinates that the file can hold."""


def shapes() -> "gpd.GeoDataFrame":
    """Polygons of the 722 zones in degrees, indexed by zone; needs no network.

    Simplified: for maps, not for distances or areas of small zones (`public.shapes` has the
    detailed ones).

    Examples
    --------
    >>> zones = shapes()
    >>> len(zones), zones.index.name, str(zones.crs)
    (722, 'zone', 'EPSG:4326')
    """
    return _layer("zones").set_index("zone").rename_axis("zone")


def states() -> "gpd.GeoDataFrame":
    """Polygons of the 48 states and the District of Columbia in degrees, indexed by FIPS code.

    Their borders are those of `shapes` where a state line is the border of a zone, and cross
    zones elsewhere.

    Examples
    --------
    >>> len(states())
    49
    """
    return _layer("states").set_index("state")


def _layer(name):
    import geopandas as gpd  # slow to import, and seldom needed

    return (
        gpd.read_file(store.TABLES / FILE, layer=name)
        .drop(columns="id", errors="ignore")
        .set_crs(4326, allow_override=True)
    )


def make(counties: str | Path) -> dict:
    """TopoJSON of zones and states from the county boundaries of us-atlas.

    Parameters
    ----------
    counties : path
        Its file counties-10m.json, beside its licence, which the result repeats.

    Returns
    -------
    dict
        Objects "zones" and "states", whose geometries have a property of that name in the
        singular.

    Raises
    ------
    DataError
        A county without a zone, or borders that do not fit together.
    """
    import geopandas as gpd
    import shapely

    from .public import county_zones, match_zones

    frame = gpd.read_file(counties, layer="counties")
    frame = frame.assign(county=frame["id"].astype(int))[["county", "geometry"]]
    frame, _ = match_zones(frame[frame["county"] < 57000], county_zones(), "us-atlas")
    frame["state"] = frame["county"] // 1000
    parts = frame.dissolve(["zone", "state"], method="coverage").reset_index()
    simple = shapely.coverage_simplify(parts.geometry.to_numpy(), TOLERANCE)
    parts.geometry = shapely.transform(simple, lambda xy: np.rint(xy / STEP))
    if not parts.is_valid.all() or not shapely.coverage_is_valid(parts.geometry.to_numpy()):
        raise DataError(f"{counties}: simplified borders cross; try a smaller STEP or TOLERANCE")
    layers = {
        layer: parts.dissolve(key, method="coverage").geometry
        for layer, key in (("zones", "zone"), ("states", "state"))
    }
    licence = Path(counties).with_name("LICENSE").read_text(encoding="utf-8")
    return {"source": SOURCE, "licence": licence} | topology(layers, parts.geometry)


def topology(layers: dict, parts: Iterable) -> dict:
    """TopoJSON of layers of polygons that are unions of the same parts.

    Parameters
    ----------
    layers : dict of str to GeoSeries
        Polygons with coordinates in whole numbers of `STEP`; the name of the index is that of
        the property that identifies each.
    parts : sequence of polygons
        A coverage: neighbours share every vertex of their border. Arcs end where more than two
        borders meet.

    Returns
    -------
    dict
        As json writes it.

    References
    ----------
    Bostock and Metcalf, The TopoJSON Format Specification.
    """
    joints = _joints(ring for part in parts for ring in _rings(part))
    arcs: dict = {}
    objects = {
        name: {
            "type": "GeometryCollection",
            "geometries": [
                {
                    "type": "MultiPolygon",
                    "properties": {layer.index.name: int(key)},
                    "arcs": [
                        [_cut(ring, joints, arcs) for ring in _rings(polygon)]
                        for polygon in getattr(shape, "geoms", [shape])
                    ],
                }
                for key, shape in layer.items()
            ],
        }
        for name, layer in layers.items()
    }
    return {
        "type": "Topology",
        "transform": {"scale": [STEP, STEP], "translate": [0, 0]},
        "objects": objects,
        "arcs": [np.diff(arc, axis=0, prepend=0).astype(int).tolist() for arc in arcs],
    }


def _rings(shape):
    # coordinates of each ring of a polygon or multipolygon, the outer one first
    for polygon in getattr(shape, "geoms", [shape]):
        for ring in (polygon.exterior, *polygon.interiors):
            yield [(int(x), int(y)) for x, y in ring.coords]


def _joints(rings):
    # points where other than two borders meet
    near = defaultdict(set)
    for ring in rings:
        for a, b in zip(ring, ring[1:], strict=False):
            near[a].add(b)
            near[b].add(a)
    return {point for point, others in near.items() if len(others) != 2}


def _cut(ring, joints, arcs):
    # positions of the arcs of a ring, ~k for one that runs backwards; new ones are added
    open_ring = ring[:-1]
    start = next(
        (k for k, point in enumerate(open_ring) if point in joints),
        open_ring.index(min(open_ring)),
    )
    points = open_ring[start:] + open_ring[: start + 1]
    ends = [k for k, point in enumerate(points) if point in joints or k in (0, len(points) - 1)]
    found = []
    for a, b in zip(ends, ends[1:], strict=False):
        arc = tuple(points[a : b + 1])
        if (back := arc[::-1]) in arcs:
            found.append(~arcs[back])
        else:
            found.append(arcs.setdefault(arc, len(arcs)))
    return found


if __name__ == "__main__":
    try:
        text = json.dumps(make(sys.argv[1]), separators=(",", ":"))
        store.write(store.TABLES / FILE, text.encode())
    except (DataError, IndexError) as error:
        sys.exit(f"error: {error}; usage: python -m {__spec__.name} package/counties-10m.json")
