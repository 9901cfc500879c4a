"""Fixtures: a site that is always taken down, and nothing left behind."""

import pytest

from foreign_devices import MeterSite
from site_under_test import Site


@pytest.fixture
def site_of(tmp_path):
    """Makes sites in this test's folder, or in folders in it, and ends their programs afterwards."""
    sites = []

    def make(folder=".", **options):
        site = Site(tmp_path / folder, **options)
        sites.append(site)
        return site

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def site(site_of):
    """A running site: simulated devices and the door."""
    return site_of().start()


@pytest.fixture
def meters(tmp_path):
    """A site of meters, to be filled and opened."""
    site = MeterSite(tmp_path)
    yield site
    site.close()
