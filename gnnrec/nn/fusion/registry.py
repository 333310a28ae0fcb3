"""Fusions by name."""

from collections.abc import Mapping

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.nn.fusion.attention import AttentionFusion
from gnnrec.nn.fusion.base import Fusion
from gnnrec.nn.fusion.concat import ConcatFusion
from gnnrec.nn.fusion.cross_attention import CrossAttentionFusion
from gnnrec.nn.fusion.graph import GraphFusion
from gnnrec.nn.fusion.mean import MeanFusion
from gnnrec.nn.fusion.self_attention import SelfAttentionFusion

__all__ = ["create_fusion", "fusion_name", "list_fusions"]

_FUSIONS: dict[str, type[Fusion]] = {
    "concat": ConcatFusion,
    "mean": MeanFusion,
    "attention": AttentionFusion,
    "self-attention": SelfAttentionFusion,
    "cross-attention": CrossAttentionFusion,
    "graph": GraphFusion,
}


def list_fusions() -> list[str]:
    """Names that :func:`create_fusion` knows."""
    return list(_FUSIONS)


def fusion_name(fusion: str | Fusion) -> str:
    """What a run's description calls a model's ``fusion`` argument: the name, or the class of a module.

    A run with a module cannot be made again from its description; the error then names that class.

    Example:
        >>> fusion_name("mean"), fusion_name(MeanFusion({"image": 64}, 64))
        ('mean', 'MeanFusion')
    """
    return fusion if isinstance(fusion, str) else type(fusion).__name__


def create_fusion(fusion: str | Fusion, in_dims: Mapping[str, int], out_dim: int) -> Fusion:
    """A new fusion by name, or the module given if it fits; the model that takes it draws its parameters anew.

    Args:
        fusion: A name out of :func:`list_fusions`, or a module made for these lengths.
        in_dims: Length of the vectors of each modality by name.
        out_dim: Length of the result.

    Raises:
        UnknownNameError: If there is no fusion of that name.
        ArgumentError: If the module was made for other modalities or lengths, or the fusion cannot work with these.

    Example:
        >>> create_fusion("mean", {"image": 64, "text": 64}, 64)
        MeanFusion(in_dims={'image': 64, 'text': 64}, out_dim=64)
    """
    if isinstance(fusion, str):
        if fusion not in _FUSIONS:
            raise UnknownNameError("fusion", fusion, _FUSIONS)
        return _FUSIONS[fusion](in_dims, out_dim)
    if not isinstance(fusion, Fusion):
        raise ArgumentError(f"'fusion' must be a name or a gnnrec.nn.fusion.Fusion (got {type(fusion).__name__})")
    wanted = dict(in_dims)
    if fusion.in_dims != wanted or fusion.out_dim != out_dim:
        raise ArgumentError(
            f"'fusion' must be made with in_dims={wanted} and out_dim={out_dim} "
            f"(got in_dims={fusion.in_dims}, out_dim={fusion.out_dim})"
        )
    return fusion
