"""The LSTM family as PyTorch initialises it, to show what the initialisation is worth.

python train.py -m model=lstm seed=0,1,2 model.width=4 \
    model._target_=sizewise.models.LSTM,experiments.large_vs_small.torch_initialised.TorchLSTM
"""

from torch import nn

from sizewise.data.spec import DataSpec
from sizewise.models.recurrent import LSTM


class TorchLSTM(LSTM):
    """Uniform weights, no forget bias of one, and both of PyTorch's biases trained."""

    def __init__(self, spec: DataSpec, width: int, depth: int = 2) -> None:
        super().__init__(spec, width, depth)
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.LSTM):
                module.reset_parameters()
        self.recurrent.requires_grad_(True)
