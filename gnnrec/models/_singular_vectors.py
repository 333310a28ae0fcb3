"""Leading singular vectors of a graph's normalised matrix."""

import torch
from torch import Tensor

from gnnrec.errors import TrainingError
from gnnrec.models._neighbours import SparseRows, add_product
from graphs import BipartiteGraph
from graphs.normalize import build_csr

__all__ = ["right_singular_vectors"]

_DENSE = 2048
"""Up to this many rows the Gram matrix is decomposed whole."""
_SHARE = 4
"""It also is where it has less than this many times the block's rows."""
_DEGREE = 10
"""Of the Chebyshev polynomial: higher needs fewer factorisations, but costs accuracy in the first rounds."""
_TOLERANCE = 1e-8
"""Largest residual of an eigenvector; eigenvalues lie in [0, 1]."""
_MAX_ROUNDS = 100


def right_singular_vectors(graph: BipartiteGraph, rank: int) -> Tensor:
    r"""Leading right singular vectors of :math:`N = D_U^{-1/2} R D_I^{-1/2}`, exact to float32.

    The singular value 1 occurs once for each connected component, and real data have a hundred of them.
    Lanczos methods (ARPACK) find some copies only, and randomised ones blur a spectrum that decays as slowly
    as this. Hence a subspace iteration with a Chebyshev filter (`Zhou et al., 2006
    <https://doi.org/10.1016/j.jcp.2006.03.017>`_), which iterates on more vectors than are asked for, until
    those asked for have converged.

    Args:
        graph: The graph; the work is done on its device.
        rank: Number of vectors.

    Returns:
        Orthonormal columns, the largest singular value first; as many as there are singular values above
        zero, if these are fewer. Always the same for the same graph and device. Shape: (num_items, rank or
        less), float32.

    Raises:
        TrainingError: If the iteration does not converge.
    """
    by_user, by_item = _normalized(graph)
    of_users = graph.num_users < graph.num_items
    # Of the two Gram matrices, near @ far is the smaller one.
    near, far = (by_user, by_item) if of_users else (by_item, by_user)
    block = rank + max(16, rank // 4)
    if near.shape[0] <= max(_DENSE, _SHARE * block):
        gram = near.values().new_zeros(near.shape[0], near.shape[0])
        add_product(gram, SparseRows.from_csr(near), SparseRows.from_csr(far))
        eigenvalues, vectors = torch.linalg.eigh(gram)
        eigenvalues, vectors = eigenvalues.flip(0)[:rank], vectors.flip(1)[:, :rank]
    else:
        eigenvalues, vectors = _filtered_subspace(near, far, rank, block)
    vectors = vectors[:, eigenvalues > 1e-12]  # the rest are arbitrary vectors of the null space
    if of_users:
        vectors = torch.nn.functional.normalize(by_item @ vectors, dim=0)
    single: Tensor = vectors.to(torch.float32).contiguous()
    return single


def _normalized(graph: BipartiteGraph) -> tuple[Tensor, Tensor]:
    """N and its transpose in float64 CSR."""
    user, item = graph.edge_index
    value = (graph.user_degree[user] * graph.item_degree[item]).to(torch.float64).rsqrt()
    order = torch.argsort(item, stable=True)
    return (
        build_csr(user, item, value, (graph.num_users, graph.num_items)),
        build_csr(item[order], user[order], value[order], (graph.num_items, graph.num_users)),
    )


def _filtered_subspace(near: Tensor, far: Tensor, rank: int, block: int) -> tuple[Tensor, Tensor]:
    """Leading eigenpairs of ``near @ far``. Shapes: (rank,), (n, rank)."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(near.shape[0], block, dtype=torch.float64, generator=generator).to(near.device)
    x = near @ (far @ x)
    for _ in range(_MAX_ROUNDS):
        basis = torch.linalg.qr(x).Q
        image = near @ (far @ basis)
        eigenvalues, rotation = torch.linalg.eigh(basis.T @ image)
        eigenvalues, rotation = eigenvalues.flip(0), rotation.flip(1)
        x, image = basis @ rotation, image @ rotation
        residual = (image - x * eigenvalues)[:, :rank].norm(dim=0).max()
        if residual <= _TOLERANCE:
            return eigenvalues[:rank], x[:, :rank]
        # The polynomial stays within [-1, 1] below the edge and grows fast above it. An edge well below the
        # last eigenvalue that is asked for keeps it growing where all of the block's are equal.
        edge = torch.minimum(eigenvalues[-1], 0.99 * eigenvalues[rank - 1])
        scale = 2.0 / float(edge.clamp(min=1e-12))
        last, x = x, image.mul_(scale).sub_(x)
        for _ in range(_DEGREE - 1):
            last, x = x, (near @ (far @ x)).mul_(2 * scale).sub_(x, alpha=2).sub_(last)
    raise TrainingError(f"the graph's singular vectors did not converge in {_MAX_ROUNDS} rounds")
