"""nanoGPT's network and settings for a CPU, written from its README's description of them.

https://github.com/karpathy/nanoGPT, "I only have a macbook": 4 layers of width 128 with 4 heads,
windows of 64 in batches of 12, 2,000 steps, no dropout; about 0.8M parameters. Shapes: B batch,
T time steps, w width.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS, HEADS, WIDTH = 4, 4, 128
WINDOW, BATCH_SIZE, STEPS = 64, 12, 2000
PEAK, LOWEST, WARM_UP = 1e-3, 1e-4, 100
BETAS, DECAY, CLIP = (0.9, 0.99), 0.1, 1.0


class Block(nn.Module):
    """Attention and a dense layer of 4w, each behind a LayerNorm; without biases."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.project = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.merge = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
        self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, states: Tensor) -> Tensor:
        """Map states (B, T, w) to states (B, T, w)."""
        parts = self.project(self.first(states)).chunk(3, dim=-1)
        queries, keys, values = (  # B H T d
            each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in parts
        )
        attended = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        states = states + self.merge(attended.transpose(1, 2).flatten(2))
        added: Tensor = self.down(functional.gelu(self.up(self.second(states))))
        return states + added


class NanoGPT(nn.Module):
    """Bytes and learned positions, blocks, and the bytes' table again as the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes, self.places = nn.Embedding(256, WIDTH), nn.Embedding(WINDOW, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, weight in self.named_parameters():
            if weight.ndim > 1:
                last = name.endswith(("merge.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * LAYERS) if last else 1))

    def forward(self, text: Tensor) -> Tensor:
        """Map bytes (B, T) to logits (B, T, 256)."""
        places = self.places(torch.arange(text.shape[1], device=text.device))
        states = self.norm(self.blocks(self.bytes(text) + places))
        return functional.linear(states, self.bytes.weight)


def optimizer_of(model: nn.Module) -> torch.optim.AdamW:
    """Return AdamW, which decays matrices alone."""
    weights = list(model.parameters())
    groups = [
        {"params": [each for each in weights if each.ndim > 1], "weight_decay": DECAY},
        {"params": [each for each in weights if each.ndim == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=PEAK, betas=BETAS, fused=True)


def rate_at(step: int, steps: int) -> float:
    """Return the learning rate of a step: warmed up, then down a cosine to a tenth."""
    if step < WARM_UP:
        return PEAK * (step + 1) / (WARM_UP + 1)
    share = (step - WARM_UP) / max(1, steps - WARM_UP)
    return LOWEST + (PEAK - LOWEST) * (1 + math.cos(math.pi * share)) / 2
