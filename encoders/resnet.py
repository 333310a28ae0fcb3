"""ResNet-50: pictures to 2048 numbers, by torchvision."""

from pathlib import Path

from torch import Tensor

from encoders.base import Encoder
from encoders.errors import MissingPackageError
from encoders.image_preprocess import IMAGENET_MEAN, IMAGENET_STD, ImagePreprocess
from encoders.weights import headless

__all__ = ["ResNet50"]


class ResNet50(Encoder):
    """The pooled features before the classifier of a ResNet-50.

    From `Deep Residual Learning <https://arxiv.org/abs/1512.03385>`_ (He et al., 2016).

    Args:
        weights: A file of torchvision's, with the classifier of 1000 classes [default: random, with a warning].
        seed: Of random weights.
        resize: Length of the shorter side before the central 224 x 224 pixels are cut out.

    Shapes:
        (batch, 3, 224, 224) -> (batch, 2048)

    Raises:
        WeightsError: If the file does not fit.
        MissingPackageError: If torchvision is not installed.
    """

    def __init__(self, *, weights: str | Path | None = None, seed: int = 0, resize: int = 256) -> None:
        preprocess = ImagePreprocess(
            size=224, resize=resize, interpolation="bilinear", mean=IMAGENET_MEAN, std=IMAGENET_STD
        )
        super().__init__(name="resnet50", modality="image", dim=2048, preprocess=preprocess)
        try:
            from torchvision.models import resnet50
        except ImportError:
            raise MissingPackageError("torchvision", "encoders", "ResNet-50") from None
        self.network = headless(lambda: resnet50(weights=None), name=self.name, weights=weights, seed=seed)

    def forward(self, batch: Tensor) -> Tensor:
        """Encode pixels."""
        vectors: Tensor = self.network(batch)
        return vectors
