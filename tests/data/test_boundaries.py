"""Borders: the topology on squares, and the stored file against the detailed polygons."""

import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from specialization.data import boundaries, public
from specialization.data.schema import ZONES
from specialization.data.states import STATES
from specialization.store import TABLES


def decoded(topology, layer):
    """Polygons of a layer by its identifier: an own reading of the format, by its letter."""
    scale, shift = (np.array(topology["transform"][k]) for k in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]

    def ring(numbers):
        parts = [arcs[k] if k >= 0 else arcs[~k][::-1] for k in numbers]
        return np.vstack([parts[0], *(p[1:] for p in parts[1:])])

    return {
        [*g["properties"].values()][0]: shapely.MultiPolygon(
            [shapely.Polygon(ring(p[0]), [ring(r) for r in p[1:]]) for p in g["arcs"]]
        )
        for g in topology["objects"][layer]["geometries"]
    }


def squares():
    """Three squares in a row, an island, and a square inside the first."""
    hole = shapely.box(2, 2, 4, 4)
    return gpd.GeoSeries(
        [
            shapely.box(0, 0, 10, 10).difference(hole),
            shapely.box(10, 0, 20, 10),
            shapely.box(20, 0, 30, 10),
            shapely.box(40, 0, 50, 10),
            hole,
        ],
        index=[1, 2, 3, 4, 5],
    ).rename_axis("zone")


def test_topology_keeps_each_border_once():
    parts = squares()
    both = (
        gpd.GeoDataFrame({"state": [7, 7, 8, 8, 7]}, geometry=parts.values)
        .dissolve("state")
        .geometry
    )
    found = boundaries.topology({"zones": parts, "states": both}, parts)
    step = boundaries.STEP
    for layer, original in (("zones", parts), ("states", both)):
        for key, shape in decoded(found, layer).items():
            assert shapely.equals(
                shapely.transform(shape, lambda xy: np.rint(xy / step)), original[key]
            )
    # three squares: outer borders of the ends, two of the middle, two inner; island, hole
    assert len(found["arcs"]) == 8
    used = [
        abs(k) if k >= 0 else ~k
        for g in found["objects"]["zones"]["geometries"]
        for p in g["arcs"]
        for ring in p
        for k in ring
    ]
    assert sorted(np.bincount(used)) == [1] * 5 + [2] * 3


@pytest.fixture(scope="module")
def stored():
    return json.loads((TABLES / boundaries.FILE).read_text(encoding="utf-8"))


def test_file_is_small_and_whole(stored):
    assert (TABLES / boundaries.FILE).stat().st_size < 300_000
    zones = decoded(stored, "zones")
    assert set(zones) == set(ZONES.index)
    assert all(z.is_valid and z.area > 0 for z in zones.values())
    assert set(decoded(stored, "states")) == {*STATES.index, 11}


def test_neighbours_do_not_overlap(stored):
    zones = [*decoded(stored, "zones").values()]
    assert shapely.coverage_is_valid(zones)
    both = shapely.union_all(zones).area
    assert sum(z.area for z in zones) == pytest.approx(both, rel=1e-9)
    assert sum(s.area for s in decoded(stored, "states").values()) == pytest.approx(both, rel=1e-9)


def test_shapes_are_those_of_the_file(stored):
    shapes, zones = boundaries.shapes(), decoded(stored, "zones")
    assert shapes.index.equals(ZONES.index) and shapes.crs.to_epsg() == 4326
    for zone in (100, 11600, 39400):
        assert shapes.geometry[zone].equals_exact(zones[zone], 1e-9)
    assert boundaries.states().index.tolist() == sorted([*STATES.index, 11])


def test_a_zone_lies_where_its_centroid_is():
    """Centroids of data/zones.csv come from other polygons; a tenth of a degree is 11 km."""
    centre = boundaries.shapes().to_crs(5070).centroid.to_crs(4326)
    gap = np.hypot(centre.y - ZONES["lat"], (centre.x - ZONES["lon"]) * np.cos(np.radians(38)))
    assert gap.median() < 0.01 and gap.max() < 0.2
    states = boundaries.states().loc[STATES.index].to_crs(5070).centroid.to_crs(4326)
    np.testing.assert_allclose(STATES[["lat", "lon"]], np.c_[states.y, states.x], atol=0.006)


@pytest.mark.public
def test_areas_are_near_those_of_the_detailed_polygons(need):
    need([public.SHAPES])
    ours, theirs = (f.to_crs(5070).area for f in (boundaries.shapes(), public.shapes()))
    ratio = ours / theirs
    assert ours.sum() == pytest.approx(theirs.sum(), rel=1e-3)
    # coasts and lakes differ between editions; so do tiny zones of the plains
    assert ratio.between(0.98, 1.02).mean() > 0.97 and ratio.between(0.92, 1.09).all()
