"""The tokenizer: Gemma's kind (BPE over ▁, bytes as a last resort, digits apart), with 2048 pieces of its own."""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers, Regex, normalizers

from .lessons import looking, talking
from .model import VOCABULARY
from .scenes import Scene

SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"]
# One digit, one line break, a word with the space before it, a sign with the space before it.
PIECES = "\\n|[0-9]|▁?\\p{L}+|▁?[^\\p{L}0-9\\n▁]|▁"
ALWAYS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789àâäçéèêëîïôöùûüœÀÂÇÉÈÊÎÔŒ▁\n.,;:!?'’\"“”«»()[]{}<>/\\|@#$%&*+-−×÷=_~`^…–—€°"

CHAT_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\\n\\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\\n\\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\\n'}}
{%- endif -%}
"""


def corpus(scenes: list[Scene], seed: int, count: int):
    rng = random.Random(seed)
    for _ in range(count):
        make = looking if rng.random() < 0.45 else talking
        for turn in make(rng, 4, rng.choice(scenes)).turns:
            yield turn.question
            yield turn.answer


def train(scenes: list[Scene], seed: int, out: Path, count: int = 25_000) -> Tokenizer:
    """Writes tokenizer.json."""
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.Replace(" ", "▁")
    t.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "isolated")
    room = VOCABULARY - len(SPECIAL) - 256
    # turn openings are one piece each
    texts = ["user\nmodel\n"] * 2000 + list(corpus(scenes, seed, count))
    trainer = trainers.BpeTrainer(vocab_size=room, initial_alphabet=list(ALWAYS), limit_alphabet=len(ALWAYS) + 10, show_progress=False)
    t.train_from_iterator(texts, trainer)
    learned = json.loads(t.to_str())["model"]
    alphabet = [c for c in sorted(learned["vocab"], key=learned["vocab"].get) if len(c) == 1 and c in ALWAYS]
    merges = [m if isinstance(m, list) else m.split(" ") for m in learned["merges"]]
    vocabulary = {s: i for i, s in enumerate(SPECIAL)}
    for b in range(256):
        vocabulary[f"<0x{b:02X}>"] = len(vocabulary)
    for c in alphabet:
        vocabulary[c] = len(vocabulary)
    used = []
    for a, b in merges:
        if a in vocabulary and b in vocabulary and len(vocabulary) < VOCABULARY:
            vocabulary.setdefault(a + b, len(vocabulary))
            used.append([a, b])
    number = 0
    while len(vocabulary) < VOCABULARY:
        vocabulary[f"<unused{number}>"] = len(vocabulary)
        number += 1
    special = [dict(id=i, content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True) for i, s in enumerate(SPECIAL)]
    whole = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": PIECES}, "behavior": "Isolated", "invert": False},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<bos>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False, "vocab": vocabulary, "merges": used},
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1), encoding="utf-8")
    return Tokenizer.from_file(str(out / "tokenizer.json"))


def write_configs(out: Path) -> None:
    """The small files beside tokenizer.json that Hugging Face's libraries look for."""
    from .model import PICTURE_TOKENS, EOS, BOS, PAD, END_OF_TURN
    from .scenes import SIDE

    def save(name, content):
        (out / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")

    (out / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")
    named = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    save("special_tokens_map.json", named)
    save("tokenizer_config.json", {
        **named,
        "add_bos_token": True,
        "add_eos_token": False,
        "added_tokens_decoder": {str(i): dict(content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True) for i, s in enumerate(SPECIAL)},
        "clean_up_tokenization_spaces": False,
        "spaces_between_special_tokens": False,
        "model_max_length": 1024,
        "extra_special_tokens": {k: named[k] for k in ("boi_token", "eoi_token", "image_token")},
        "processor_class": "Gemma3Processor",
        "tokenizer_class": "GemmaTokenizer",
        "chat_template": CHAT_TEMPLATE,
    })
    save("generation_config.json", {"bos_token_id": BOS, "eos_token_id": [EOS, END_OF_TURN], "pad_token_id": PAD, "do_sample": False, "max_new_tokens": 128})
    save("preprocessor_config.json", {
        "do_convert_rgb": None, "do_normalize": True, "do_pan_and_scan": None, "do_rescale": True, "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "rescale_factor": 1 / 255, "resample": 2,
        "size": {"height": SIDE, "width": SIDE}, "image_seq_length": PICTURE_TOKENS,
        "image_processor_type": "Gemma3ImageProcessor", "processor_class": "Gemma3Processor",
        "pan_and_scan_max_num_crops": None, "pan_and_scan_min_crop_size": None, "pan_and_scan_min_ratio_to_activate": None,
    })
    save("processor_config.json", {"image_seq_length": PICTURE_TOKENS, "processor_class": "Gemma3Processor"})
