"""Writes and reads the checkpoint folder, in Hugging Face's layout, and rounds weights as the 4-bit export does."""

import json
import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from .tokenizer import write_configs

TIED = "lm_head.weight"


def save(model: Gemma3ForConditionalGeneration, out: Path) -> None:
    """Weights as 16-bit floats; the file appears whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    config = model.config.to_dict()
    config["architectures"] = ["Gemma3ForConditionalGeneration"]
    for part in (config, config["text_config"], config["vision_config"]):
        part["dtype"] = "float16"
        part.pop("_name_or_path", None)
    (out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    write_configs(out)
    weights = {n: p.detach().to(torch.float16).contiguous() for n, p in model.named_parameters() if n != TIED}
    part = out / "model.safetensors.part"
    save_file(weights, part, metadata={"format": "pt"})
    os.chmod(part, 0o644)
    os.replace(part, out / "model.safetensors")


def load(folder: Path) -> tuple[Gemma3ForConditionalGeneration, Tokenizer]:
    config = Gemma3Config.from_pretrained(folder)
    config.dtype = config.text_config.dtype = config.vision_config.dtype = torch.float32
    model = Gemma3ForConditionalGeneration._from_config(config, attn_implementation="sdpa").float()
    missing, unexpected = model.load_state_dict({n: w.float() for n, w in load_file(folder / "model.safetensors").items()}, strict=False)
    if unexpected or [m for m in missing if m != TIED]:
        raise ValueError(f"{folder} does not fit: missing {missing}, unexpected {unexpected}")
    model.tie_weights()
    return model.eval(), Tokenizer.from_file(str(folder / "tokenizer.json"))


@torch.no_grad()
def round_to_q4(model: Gemma3ForConditionalGeneration) -> None:
    """q4_0: blocks of 32 along the input dimension, the scale is the signed largest value / -8."""
    for name, p in model.named_parameters():
        if p.ndim != 2 or "position_embedding" in name:
            continue
        # the projector's matrix is stored as [input, output]
        w = p.T if name.endswith("mm_input_projection_weight") else p
        if w.shape[1] % 32:
            continue
        blocks = w.reshape(-1, 32)
        largest = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
        scale = (largest / -8).half().float()
        q = torch.where(scale == 0, torch.full_like(blocks, 8), torch.clip(torch.round(blocks / torch.where(scale == 0, 1, scale)) + 8, 0, 15))
        rounded = ((q - 8) * scale).reshape(w.shape)
        p.copy_(rounded.T if w is not p else rounded)
