"""Ways to make one vector of several modalities."""

from gnnrec.nn.fusion.attention import AttentionFusion
from gnnrec.nn.fusion.base import Fusion
from gnnrec.nn.fusion.concat import ConcatFusion
from gnnrec.nn.fusion.cross_attention import CrossAttentionFusion
from gnnrec.nn.fusion.graph import GraphFusion
from gnnrec.nn.fusion.mean import MeanFusion
from gnnrec.nn.fusion.registry import create_fusion, fusion_name, list_fusions
from gnnrec.nn.fusion.self_attention import SelfAttentionFusion

__all__ = [
    "AttentionFusion",
    "ConcatFusion",
    "CrossAttentionFusion",
    "Fusion",
    "GraphFusion",
    "MeanFusion",
    "SelfAttentionFusion",
    "create_fusion",
    "fusion_name",
    "list_fusions",
]
