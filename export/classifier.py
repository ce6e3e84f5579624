"""DenseNet121 whose answers say where they come from: images [N, C, H, W] in, logits [N, K] and activation maps out."""

from typing import cast

import torch
from monai.networks.nets import DenseNet121
from torch import Tensor, nn

from export.strangeness import Strangeness, description_of


class Classifier(nn.Module):
    """The activation map of a class is what each place adds to its logit: their mean is the logit."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        network = DenseNet121(spatial_dims=2, in_channels=channels, out_channels=classes)
        self.trunk = network.features
        self.head = nn.Conv2d(network.class_layers.out.in_features, classes, 1)

    def features(self, images: Tensor) -> Tensor:
        return torch.relu(cast(Tensor, self.trunk(images)))

    def activation(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.head(features))

    def forward(self, images: Tensor) -> Tensor:
        return self.activation(self.features(images)).mean(dim=(2, 3))


class Served(nn.Module):
    """As the node takes it: (probability [N, K], activation [N, K, h, w], strangeness [N]) of images."""

    def __init__(self, classifier: Classifier, strangeness: Strangeness, *, exclusive: bool) -> None:
        super().__init__()
        self.classifier, self.strangeness, self.exclusive = classifier, strangeness, exclusive

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = self.classifier.features(images)
        activation = self.classifier.activation(features)
        logits = activation.mean(dim=(2, 3))
        probability = torch.softmax(logits, dim=1) if self.exclusive else torch.sigmoid(logits)
        return probability, activation, self.strangeness(description_of(images, features))
