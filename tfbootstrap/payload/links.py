"""Makes libraries that wheels bring loadable, where a release of TensorFlow does not look for them by itself."""

import os
from typing import List


def link_libraries(site_packages: str) -> List[str]:
    """Link the CUDA wheels' libraries into folders where TensorFlow's loader looks; return the links made.

    Releases before 2.20 look beside themselves, newer ones in the folders of some CUDA wheels only, of which that of
    the CUDA runtime is always there. Links last: every later process finds the libraries without any variable set.
    """
    root = os.path.join(site_packages, "nvidia")
    homes = [os.path.join(site_packages, "tensorflow"), os.path.join(root, "cuda_runtime", "lib")]
    made: List[str] = []
    if not os.path.isdir(homes[0]):
        return made
    for home in filter(os.path.isdir, homes):
        for link in (os.path.join(home, name) for name in os.listdir(home)):
            if os.path.islink(link) and not os.path.exists(link) and os.readlink(link).startswith(".."):
                os.unlink(link)  # the wheel that it led to is gone
        for package in sorted(os.listdir(root)) if os.path.isdir(root) else []:
            folder = os.path.join(root, package, "lib")
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                link = os.path.join(home, name)
                if ".so" in name and not os.path.lexists(link):
                    os.symlink(os.path.relpath(os.path.join(folder, name), home), link)
                    made.append(link)
    return made
