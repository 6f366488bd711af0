"""The digits on a plane (t-SNE), similar ones close together.

In: images. Out: two coordinates for each of a sample. What always holds: the same images give the
same plane, with any number of threads.
"""

from dataclasses import dataclass

import numpy as np

_SAMPLE = 2_500
_COMPONENTS = 40
_PERPLEXITY = 30.0
_STEPS = 750
_SEED = 0


@dataclass(frozen=True)
class Plane:
    images: np.ndarray  # which ones
    positions: np.ndarray  # (n, 2)


def embed(images: np.ndarray, sample: int = _SAMPLE, steps: int = _STEPS) -> Plane | None:
    """Return a plane of a sample, or None where there are too few images for neighbours."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    chosen = np.sort(np.random.default_rng(_SEED).permutation(len(images))[:sample])
    if len(chosen) < 10:
        return None
    pixels = images[chosen].reshape(len(chosen), -1).astype(np.float32) / 255
    # Threads add up in the order in which they finish, and t-SNE amplifies a last bit.
    with threadpool_limits(1):
        components = min(_COMPONENTS, len(chosen))
        reducing = PCA(components, svd_solver="randomized", random_state=_SEED)
        placing = TSNE(
            init="pca",
            perplexity=min(_PERPLEXITY, (len(chosen) - 1) / 3),
            max_iter=steps,
            random_state=_SEED,
        )
        positions = placing.fit_transform(reducing.fit_transform(pixels))
    return Plane(chosen, positions)
