"""Muon for the layers' matrices, AdamW for the rest."""

import torch


def orthogonalise(g: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz: the nearest matrices with singular values about 1, for a stack [n, rows, columns]."""
    x = g.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if tall else x).float()


class Muon:
    """Matrices of one shape are treated as a stack, so that small ones stay cheap."""

    def __init__(self, parameters, lr: float, momentum: float = 0.95, decay: float = 0.01):
        self.groups: dict[tuple, list] = {}
        for p in parameters:
            self.groups.setdefault(tuple(p.shape), []).append(p)
        self.buffers = {shape: torch.zeros(len(ps), *shape) for shape, ps in self.groups.items()}
        self.lr, self.momentum, self.decay = lr, momentum, decay

    @torch.no_grad()
    def step(self, scale: float) -> None:
        for shape, ps in self.groups.items():
            g = torch.stack([p.grad for p in ps])
            buffer = self.buffers[shape]
            buffer.lerp_(g, 1 - self.momentum)
            update = orthogonalise(g.lerp(buffer, self.momentum)) * (0.2 * max(shape) ** 0.5)
            for p, u in zip(ps, update):
                p.mul_(1 - self.lr * scale * self.decay).add_(u, alpha=-self.lr * scale)


class Both:
    """Muon and AdamW behind one step; scale is the schedule's factor of the learning rates."""

    def __init__(self, named_parameters, muon_lr: float, adam_lr: float):
        matrices, rest = [], []
        for name, p in named_parameters:
            if not p.requires_grad:
                continue
            is_matrix = p.ndim == 2 and "embed" not in name
            (matrices if is_matrix else rest).append(p)
        self.parameters = matrices + rest
        self.muon = Muon(matrices, muon_lr)
        self.adam = torch.optim.AdamW(rest, lr=adam_lr, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
        self.adam_lr = adam_lr

    def step(self, scale: float) -> None:
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.muon.step(scale)
        for group in self.adam.param_groups:
            group["lr"] = self.adam_lr * scale
        self.adam.step()
        for p in self.parameters:
            p.grad = None


def schedule(done: float) -> float:
    """The learning rate's factor after this fraction of the time: short warm-up, cosine over the last 60 %."""
    import math

    if done < 0.01:
        return 0.1 + done / 0.01 * 0.9
    if done < 0.4:
        return 1.0
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (done - 0.4) / 0.6)))
