"""A runtime profile -> the facts that it stands for, as if they had been detected there. Layer 1: pure.

What a profile leaves open stays unknown, with the option that says it; nothing is guessed. One thing is chosen: where a
host lends several GPUs and nobody named one, it is the first of its list, which everybody gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tfbootstrap.facts import (
    CudaInstall,
    Distribution,
    DriverFacts,
    Facts,
    Gpu,
    GpuStatus,
    HostFacts,
    PlatformFacts,
    PythonFacts,
)
from tfbootstrap.matrix.hosts import HostRow
from tfbootstrap.matrix.runtimes import Image, RuntimeProfile

PROFILE = "profile"
"""The source of a GPU or driver that the profile's host has."""


def profile_facts(
    profile: RuntimeProfile,
    *,
    host: HostRow | None = None,
    python: str | None = None,
    gpus: tuple[Gpu, ...] | None = None,
    driver: str | None = None,
    requires: Mapping[str, tuple[str, ...]] | None = None,
) -> Facts:
    """Return the facts of a profile on its host.

    `python` (X.Y or X.Y.Z), `gpus` (empty: none) and `driver` win over what the profile says. `requires` has the
    requirements of the image's packages by normalised name.
    """
    status, present = _gpus(profile, host, gpus)
    image: Image = "cpu" if status == "absent" else "gpu"
    serving = _driver(host, driver) if status != "absent" else None
    return Facts(
        python=PythonFacts(version=python or profile.python),
        platform=PlatformFacts(
            system=profile.system,
            machine=profile.machine,
            libc=profile.libc,
            release=profile.release,
            wsl=profile.wsl,
            container=profile.host != "plain",
        ),
        gpu_status=status,
        gpus=present,
        driver=serving,
        cuda_toolkits=_toolkits(profile, image),
        cudnn=tuple(_cudnn(profile, image)),
        host=HostFacts(kind=profile.host, release=_release(profile)),
        distributions=_distributions(profile, image, requires or {}),
        environment={variable.name: variable.value for variable in host.environment if variable.value} if host else {},
        unknown=dict(_unknown(profile, image, status, serving)),
    )


def offered_gpus(host: HostRow, offer: str | None = None) -> tuple[Gpu, ...]:
    """Return the GPUs of one offer of a host (`T4`, in any case; the first without a name), empty where there is none.

    The offer's own name, the GPU's name and the GPU's name without its maker all count.
    """
    wanted = offer.casefold() if offer else None
    for gpu in host.gpus:
        names = {gpu.offer.casefold(), gpu.name.casefold(), gpu.name.casefold().split(" ", 1)[-1]}
        if wanted is None or wanted in names:
            lent = Gpu(
                name=gpu.name, compute_capability=gpu.compute_capability, memory_mib=gpu.memory_mib, source=PROFILE
            )
            return (lent,) * gpu.count
    return ()


def _gpus(
    profile: RuntimeProfile, host: HostRow | None, gpus: tuple[Gpu, ...] | None
) -> tuple[GpuStatus, tuple[Gpu, ...]]:
    if gpus is None and profile.gpu == "offered" and host:
        gpus = offered_gpus(host)
    if gpus is None:
        return ("absent", ()) if profile.gpu == "none" else ("unknown", ())
    return ("present", gpus) if gpus else ("absent", ())


def _driver(host: HostRow | None, driver: str | None) -> DriverFacts | None:
    if driver:
        return DriverFacts(version=driver, source="option")
    seen = host.driver_on() if host else None
    return DriverFacts(version=seen.version, cuda_version=seen.cuda, source=PROFILE) if seen else None


def _toolkits(profile: RuntimeProfile, image: Image) -> tuple[CudaInstall, ...]:
    if profile.cuda is None or not _image_has_cuda(profile, image):
        return ()
    minor = profile.cuda.minor
    return (CudaInstall(version=profile.cuda.toolkit, path=f"/usr/local/cuda-{minor}", source="system"),)


def _image_has_cuda(profile: RuntimeProfile, image: Image) -> bool:
    # Until 2026 one image served both kinds of machine, so CUDA was there even without GPU.
    return image == "gpu" or "cpu" not in profile.images


def _cudnn(profile: RuntimeProfile, image: Image) -> Iterator[CudaInstall]:
    if profile.cuda and _image_has_cuda(profile, image):
        yield CudaInstall(version=profile.cuda.cudnn, path="/usr/lib/x86_64-linux-gnu", source="system")
    for name, version in profile.pins(image).items():
        if name.startswith("nvidia-cudnn-cu"):
            yield CudaInstall(version=version, path="nvidia/cudnn/lib", source=name)


def _release(profile: RuntimeProfile) -> str | None:
    return None if profile.host == "plain" else profile.name.removeprefix(f"{profile.host}-")


def _distributions(
    profile: RuntimeProfile, image: Image, requires: Mapping[str, tuple[str, ...]]
) -> dict[str, Distribution]:
    versions = dict(profile.pins(image))
    versions.update({item.name: item.version for item in profile.references(image) if item.version})
    return {name: Distribution(version=versions[name], requires=requires.get(name, ())) for name in sorted(versions)}


def _unknown(
    profile: RuntimeProfile, image: Image, status: GpuStatus, driver: DriverFacts | None
) -> Iterator[tuple[str, str]]:
    yield "platform.cpu_flags", "a profile does not say which processor it gets"
    if status == "unknown":
        yield "gpus", f"`{profile.name}` presumes no GPU: say with --gpu which it has, or --gpu none"
    if status != "absent" and driver is None:
        yield "driver", f"`{profile.name}` presumes no driver: say with --driver which it has"
    if profile.gpu == "given" and profile.system == "windows":
        yield "cuda_toolkits", f"`{profile.name}` does not say which CUDA is installed there"
    if not profile.complete:
        yield "distributions", f"only what is certain is known of the packages of `{profile.name}`"
    for reference in profile.references(image):
        if reference.version is None:
            yield (
                f"distributions.{reference.name}",
                f"installed from {reference.address}, which tells no version",
            )
