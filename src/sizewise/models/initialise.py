"""How weights begin: as Keras's, so that the article's networks start so, or as PyTorch's."""

import torch
from torch import nn

RECURRENT = (nn.RNN, nn.LSTM, nn.GRU)


def initialise_as_keras(module: nn.Module) -> None:
    """Initialise `module` in place as Keras does.

    Kernels are Glorot uniform (Glorot & Bengio, AISTATS 2010), recurrent kernels orthogonal (Saxe
    et al., ICLR 2014), biases zero, the LSTM's forget bias one (Jozefowicz et al., ICML 2015) and
    embeddings uniform in ±0.05. Keras has one bias per gate where PyTorch has two; the second is
    frozen at zero for RNN and LSTM, so that parameters count the same. Keras's GRU
    (`reset_after=True`) has both, as here.
    """
    for child in module.modules():
        if isinstance(child, nn.Linear | nn.Conv1d | nn.Conv2d):
            nn.init.xavier_uniform_(child.weight)
            if child.bias is not None:
                nn.init.zeros_(child.bias)
        elif isinstance(child, nn.Embedding):
            nn.init.uniform_(child.weight, -0.05, 0.05)
        elif isinstance(child, RECURRENT):
            _initialise_recurrent(child)


def initialise_as_pytorch(module: nn.Module) -> None:
    """Initialise `module` in place as PyTorch's layers are by default.

    Kernels and biases are uniform in ±1/√fan-in, those of recurrent layers in ±1/√width, embeddings
    normal. Of a recurrent layer's two biases the one that is frozen stays zero: sizes are the same
    either way.
    """
    for child in module.modules():
        if callable(reset := getattr(child, "reset_parameters", None)):
            reset()
        if isinstance(child, RECURRENT):
            for parameter in child.parameters():
                if not parameter.requires_grad:
                    nn.init.zeros_(parameter)


def _initialise_recurrent(layer: nn.RNNBase) -> None:
    for name, parameter in layer.named_parameters():
        if name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.zeros_(parameter)
            if name.startswith("bias_hh") and not isinstance(layer, nn.GRU):
                parameter.requires_grad_(False)
            if name.startswith("bias_ih") and isinstance(layer, nn.LSTM):
                with torch.no_grad():  # PyTorch's gate order is input, forget, cell, output
                    parameter[layer.hidden_size : 2 * layer.hidden_size] = 1.0
