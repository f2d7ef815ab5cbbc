"""The model: Gemma 3's architecture, made very small, with weights that start from chance."""

import math

import torch
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

from .scenes import SIDE

VOCABULARY = 2048
PICTURE_TOKENS = 25
PAD, EOS, BOS, UNK = 0, 1, 2, 3
START_OF_TURN, END_OF_TURN, START_OF_IMAGE, END_OF_IMAGE, IMAGE = 4, 5, 6, 7, 8


def config() -> Gemma3Config:
    layers = 6
    return Gemma3Config(
        text_config=dict(
            vocab_size=VOCABULARY,
            hidden_size=256,
            intermediate_size=640,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=64,
            query_pre_attn_scalar=64,
            sliding_window=512,
            max_position_embeddings=1024,
            layer_types=["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)],
            rope_parameters={
                "full_attention": {"rope_type": "default", "rope_theta": 1_000_000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            },
            pad_token_id=PAD,
            bos_token_id=BOS,
            eos_token_id=EOS,
        ),
        vision_config=dict(
            image_size=SIDE,
            patch_size=14,
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=4,
            vision_use_head=False,
        ),
        mm_tokens_per_image=PICTURE_TOKENS,
        image_token_index=IMAGE,
        boi_token_index=START_OF_IMAGE,
        eoi_token_index=END_OF_IMAGE,
        tie_word_embeddings=True,
        dtype="float32",
    )


def new_model(seed: int) -> Gemma3ForConditionalGeneration:
    torch.manual_seed(seed)
    model = Gemma3ForConditionalGeneration._from_config(config(), attn_implementation="sdpa").float()
    hidden = model.config.vision_config.hidden_size
    with torch.no_grad():
        # transformers starts this matrix at zero, from where it hardly learns
        model.model.multi_modal_projector.mm_input_projection_weight.normal_(0, 0.5 / math.sqrt(hidden))
        for name, p in model.named_parameters():
            if "vision_tower" in name and p.ndim == 2 and name.endswith("weight") and "embedding" not in name:
                p.normal_(0, 0.5 / math.sqrt(p.shape[1]))
    return model


def compile_layers(model: Gemma3ForConditionalGeneration) -> None:
    """Compiles each layer by itself: fast, and one compilation serves all layers of a kind."""
    for layer in model.model.vision_tower.encoder.layers:
        layer.compile(dynamic=False)
    for layer in model.model.language_model.layers:
        layer.compile(dynamic=False)


def normalised(pictures: torch.Tensor) -> torch.Tensor:
    """Bytes [n, S, S, 3] to the tower's input [n, 3, S, S] in -1..1."""
    return pictures.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def picture_features(model: Gemma3ForConditionalGeneration, pixels: torch.Tensor) -> torch.Tensor:
    """Pixels to [n, PICTURE_TOKENS, hidden], as the text model sees them."""
    return model.model.multi_modal_projector(model.model.vision_tower(pixels).last_hidden_state)
