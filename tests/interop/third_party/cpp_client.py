"""A client in C++ on Debian's gRPC, built where its source is."""

import os
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.caches import filling
from tests.tools import checked, require, run_debians

CHECKOUT = Path(__file__).resolve().parents[3]
PROTOS = CHECKOUT / "protos"
CPP = Path(__file__).resolve().parent / "cpp"

PROTOC_PACKAGES = ("protobuf-compiler", "libprotobuf-dev")
CPP_PACKAGES = (*PROTOC_PACKAGES, "protobuf-compiler-grpc", "libgrpc++-dev", "g++", "cmake", "make")


def cpp_client() -> Path:
    """Builds the C++ client, if its source, the protos or the compilers are others than the last time, and finds it."""
    require(CPP_PACKAGES)
    inputs = sha256()
    for file in sorted([*PROTOS.rglob("*.proto"), *CPP.iterdir()]):
        inputs.update(f"{file.relative_to(CHECKOUT)}\0".encode() + file.read_bytes())
    inputs.update(run_debians("dpkg-query", "--show", *CPP_PACKAGES).stdout.encode())
    with filling(f"twins-{inputs.hexdigest()[:16]}") as folder:
        path = folder / "twins"
        if not path.exists():
            with TemporaryDirectory(dir=folder) as build:
                checked(run_debians("cmake", "-S", str(CPP), "-B", build, f"-DPROTOS={PROTOS}"))
                checked(run_debians("nice", "cmake", "--build", build, "--parallel", str(os.cpu_count() or 1)))
                Path(build, "twins").replace(path)
    return path
