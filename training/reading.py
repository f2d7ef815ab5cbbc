"""The model's forward pass over a batch of packed conversations, shared by training and evaluation."""

import numpy as np
import torch
from transformers import Gemma3ForConditionalGeneration

from .model import picture_features


def allowed(document: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
    """Who may look at whom [rows, 1, S, S]: what came before in the same conversation, and all of the same picture."""
    n = document.shape[1]
    before = torch.ones(n, n, dtype=torch.bool).tril()
    same = document[:, :, None] == document[:, None, :]
    together = (picture[:, :, None] == picture[:, None, :]) & (picture[:, :, None] >= 0)
    return (same & (before | together))[:, None]


def hidden_states(model: Gemma3ForConditionalGeneration, batch: dict[str, np.ndarray], pixels: torch.Tensor, features: torch.Tensor | None = None) -> torch.Tensor:
    text = model.model.language_model
    picture = torch.from_numpy(batch["picture"])
    embeds = text.embed_tokens(torch.from_numpy(batch["ids"]))
    if features is None:
        features = picture_features(model, pixels)
    at = picture >= 0
    used = int(picture.max()) + 1
    if used > 0:
        embeds = embeds.masked_scatter(at[..., None], features[:used].to(embeds.dtype))
    may = allowed(torch.from_numpy(batch["document"]), picture)
    mask = torch.zeros(may.shape).masked_fill_(~may, torch.finfo(torch.bfloat16).min)
    if torch.is_autocast_enabled("cpu"):
        mask = mask.bfloat16()
    # Every conversation is shorter than the sliding window, so both kinds of layers see the same.
    out = text(inputs_embeds=embeds, position_ids=torch.from_numpy(batch["position"]), attention_mask={"full_attention": mask, "sliding_attention": mask}, use_cache=False)
    return out.last_hidden_state


def next_token_logits(model, batch, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits where the model speaks, and the tokens it should have said."""
    speaks = torch.from_numpy(batch["spoken"][:, 1:])
    return model.lm_head(hidden[:, :-1][speaks]), torch.from_numpy(batch["ids"][:, 1:])[speaks]
