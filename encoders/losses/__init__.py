"""Contrastive losses whose memory grows with the batch and not with its square."""

from encoders.losses.info_nce import info_nce
from encoders.losses.nt_xent import nt_xent
from encoders.losses.pair_cross_entropy import Direction, pair_cross_entropy
from encoders.losses.pair_log_sum_exp import PairLogSumExp, pair_log_sum_exp, row_log_sum_exp
from encoders.losses.tri_modal import tri_modal_loss

__all__ = [
    "Direction",
    "PairLogSumExp",
    "info_nce",
    "nt_xent",
    "pair_cross_entropy",
    "pair_log_sum_exp",
    "row_log_sum_exp",
    "tri_modal_loss",
]
