"""The dual encoder of music videos: films to segments, segments to frozen features, and heads trained on these."""

from encoders.musicvideo.autoencoder import AutoencoderTask
from encoders.musicvideo.class_scores import macro_auc, macro_f1
from encoders.musicvideo.configurations import CONFIGURATIONS, MusicVideoConfiguration
from encoders.musicvideo.consistency import Consistency, measure_consistency
from encoders.musicvideo.cutting import CutReport, cut_segments
from encoders.musicvideo.dual_encoder import MusicVideoModel, MusicVideoVectors
from encoders.musicvideo.encoder import MusicVideoEncoder, create_music_video_encoders
from encoders.musicvideo.features import create_backbone, encode_segments, segment_feature_path
from encoders.musicvideo.film_labels import read_film_labels
from encoders.musicvideo.film_vectors import aggregate_modalities, film_means
from encoders.musicvideo.model_file import load_music_video_model, save_music_video_model
from encoders.musicvideo.planted import planted_pairs
from encoders.musicvideo.probe import PROBE_OPTIONS, LabelledVectors, ProbeResult, probe
from encoders.musicvideo.probe_representations import REPRESENTATIONS, film_representations, probe_representations
from encoders.musicvideo.projection_head import ProjectionHead
from encoders.musicvideo.retrieval import RetrievalReport, evaluate_retrieval
from encoders.musicvideo.run import MusicVideoRun
from encoders.musicvideo.segment_features import FeatureSplit, SegmentFeatures
from encoders.musicvideo.segment_options import SegmentOptions
from encoders.musicvideo.segment_table import SegmentRow, read_segment_table
from encoders.musicvideo.segments import Segment, draw_segments
from encoders.musicvideo.similarity import Neighbours, SimilarityAnalysis, analyse_similarity, nearest_neighbours
from encoders.musicvideo.similarity_picture import draw_similarity
from encoders.musicvideo.task import ContrastiveTask
from encoders.musicvideo.train import MUSIC_VIDEO_OPTIONS, MusicVideoResult, evaluate_music_video, train_music_video

__all__ = [
    "CONFIGURATIONS",
    "MUSIC_VIDEO_OPTIONS",
    "PROBE_OPTIONS",
    "REPRESENTATIONS",
    "AutoencoderTask",
    "Consistency",
    "ContrastiveTask",
    "CutReport",
    "FeatureSplit",
    "LabelledVectors",
    "MusicVideoConfiguration",
    "MusicVideoEncoder",
    "MusicVideoModel",
    "MusicVideoResult",
    "MusicVideoRun",
    "MusicVideoVectors",
    "Neighbours",
    "ProbeResult",
    "ProjectionHead",
    "RetrievalReport",
    "Segment",
    "SegmentFeatures",
    "SegmentOptions",
    "SegmentRow",
    "SimilarityAnalysis",
    "aggregate_modalities",
    "analyse_similarity",
    "create_backbone",
    "create_music_video_encoders",
    "cut_segments",
    "draw_segments",
    "draw_similarity",
    "encode_segments",
    "evaluate_music_video",
    "evaluate_retrieval",
    "film_means",
    "film_representations",
    "load_music_video_model",
    "macro_auc",
    "macro_f1",
    "measure_consistency",
    "nearest_neighbours",
    "planted_pairs",
    "probe",
    "probe_representations",
    "read_film_labels",
    "read_segment_table",
    "save_music_video_model",
    "segment_feature_path",
    "train_music_video",
]
