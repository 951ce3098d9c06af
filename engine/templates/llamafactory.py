"""LLaMA-Factory's templates as a table of turns, and the Jinja text that writes the same.

From its data/template.py. Those that insert empty thoughts (`qwen3`, `deepseekr1` and their like) and those
for pictures and sound are left out: what they write cannot be said in one template.
"""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

_VICUNA: Final = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
_ALPACA: Final = (
    "Below is an instruction that describes a task. "
    "Write a response that appropriately completes the request.\n\n"
)
_PIECE: Final = re.compile("(BOS|EOS|TEXT)")


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """What is written for each turn; TEXT is what it says, BOS and EOS are the tokenizer's tokens."""

    user: str
    assistant: str = "TEXTEOS"
    system: str = "TEXT"
    prefix: str = ""
    default: str = ""
    """The system turn where a row has none."""
    fused: bool = False
    """The system turn stands inside the first user turn."""
    end: str = ""
    """What comes behind the last answer."""


def _chatml(default: str = "", prefix: str = "") -> Turns:
    return Turns(
        user="<|im_start|>user\nTEXT<|im_end|>\n<|im_start|>assistant\n",
        assistant="TEXT<|im_end|>\n",
        system="<|im_start|>system\nTEXT<|im_end|>\n",
        prefix=prefix,
        default=default,
    )


def _gemma(end: str = "") -> Turns:
    return Turns(
        user="<start_of_turn>user\nTEXT<end_of_turn>\n<start_of_turn>model\n",
        assistant="TEXT<end_of_turn>\n",
        system="TEXT\n\n",
        prefix="BOS",
        fused=True,
        end=end,
    )


def _header(role: str) -> str:
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def _phi(prefix: str = "") -> Turns:
    return Turns(
        user="<|user|>\nTEXT<|end|>\n<|assistant|>\n",
        assistant="TEXT<|end|>\n",
        system="<|system|>\nTEXT<|end|>\n",
        prefix=prefix,
    )


def _granite() -> Turns:
    role = "<|start_of_role|>{}<|end_of_role|>"
    return Turns(
        user=f"{role.format('user')}TEXT<|end_of_text|>\n{role.format('assistant')}",
        assistant="TEXT<|end_of_text|>\n",
        system=f"{role.format('system')}TEXT<|end_of_text|>\n",
    )


def _llama3() -> Turns:
    return Turns(
        user=f"{_header('user')}TEXT<|eot_id|>{_header('assistant')}",
        assistant="TEXT<|eot_id|>",
        system=f"{_header('system')}TEXT<|eot_id|>",
        prefix="BOS",
    )


def _mistral(user: str, assistant: str) -> Turns:
    return Turns(user=user, assistant=assistant, system="TEXT\n\n", prefix="BOS", fused=True)


TURNS: Final[dict[str, Turns]] = {
    "alpaca": Turns(
        user="### Instruction:\nTEXT\n\n### Response:\n", assistant="TEXTEOS\n\n", default=_ALPACA
    ),
    "chatml": _chatml(),
    "chatml_de": _chatml("Du bist ein freundlicher und hilfsbereiter KI-Assistent."),
    "cohere": Turns(
        user="<|START_OF_TURN_TOKEN|><|USER_TOKEN|>TEXT<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        system="<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>TEXT<|END_OF_TURN_TOKEN|>",
        prefix="BOS",
    ),
    "cpm3": _chatml(prefix="BOS"),
    "deepseek": Turns(user="User: TEXT\n\nAssistant:", system="TEXT\n\n", prefix="BOS"),
    "deepseek3": Turns(user="<｜User｜>TEXT<｜Assistant｜>", prefix="BOS"),
    "default": Turns(user="Human: TEXTEOS\nAssistant:", assistant="TEXTEOS\n", system="System: TEXTEOS\n"),
    "empty": Turns(user="TEXT", assistant="TEXT"),
    "falcon": Turns(user="User: TEXT\nFalcon:", assistant="TEXT\n", end="EOS"),
    "falcon_h1": _chatml(prefix="BOS"),
    "gemma": _gemma(),
    "gemma2": _gemma(end="EOS"),
    "gemma3": _gemma(),
    "granite3": _granite(),
    "intern2": _chatml(
        "You are an AI assistant whose name is InternLM (书生·浦语).\n"
        "- InternLM (书生·浦语) is a conversational language model that is developed by "
        "Shanghai AI Laboratory (上海人工智能实验室). It is designed to be helpful, honest, and harmless.\n"
        "- InternLM (书生·浦语) can understand and communicate fluently in the language "
        "chosen by the user such as English and 中文.",
        prefix="BOS",
    ),
    "llama2": Turns(user="BOS[INST] TEXT [/INST]", system="<<SYS>>\nTEXT\n<</SYS>>\n\n", fused=True),
    "llama3": _llama3(),
    "ministral": _mistral("[INST]TEXT[/INST]", "TEXTEOS"),
    "mistral": _mistral("[INST] TEXT[/INST]", " TEXTEOS"),
    "olmo": Turns(user="<|user|>\nTEXT<|assistant|>\n", prefix="EOS"),
    "openchat": Turns(user="GPT4 Correct User: TEXTEOSGPT4 Correct Assistant:", prefix="BOS"),
    "opencoder": _chatml("You are OpenCoder, created by OpenCoder Team."),
    "phi": _phi(),
    "phi4": Turns(
        user="<|im_start|>user<|im_sep|>TEXT<|im_end|><|im_start|>assistant<|im_sep|>",
        assistant="TEXT<|im_end|>",
        system="<|im_start|>system<|im_sep|>TEXT<|im_end|>",
    ),
    "qwen": _chatml("You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
    "qwen3_nothink": _chatml(),
    "smollm": _chatml(),
    "smollm2": _chatml("You are a helpful AI assistant named SmolLM, trained by Hugging Face."),
    "solar": Turns(
        user="### User:\nTEXT\n\n### Assistant:\n",
        assistant="TEXT",
        system="### System:\nTEXT\n\n",
        end="EOS",
    ),
    "vicuna": Turns(user="USER: TEXT ASSISTANT:", default=_VICUNA),
    "xverse": Turns(user="Human: TEXT\n\nAssistant: "),
    "yi": _chatml(),
    "zephyr": Turns(
        user="<|user|>\nTEXTEOS<|assistant|>\n",
        system="<|system|>\nTEXTEOS",
        default="You are Zephyr, a helpful assistant.",
    ),
}


def source(turns: Turns) -> str:
    """The Jinja text that writes a conversation as `turns` says.

    An Alpaca row's instruction and input are joined by one line feed, as LLaMA-Factory joins them.
    """
    system = _written(turns.system, "first.system")
    answer = _written(turns.assistant, "message['content']")
    pieces = [
        f"{{%- set first = namespace(turn=true, system={json.dumps(turns.default)}) -%}}",
        "{%- if messages and messages[0]['role'] == 'system' and messages[0]['content'] -%}",
        "{%- set first.system = messages[0]['content'] -%}{%- endif -%}",
        f"{{{{- {_written(turns.prefix)} -}}}}" if turns.prefix else "",
        "" if turns.fused else f"{{%- if first.system -%}}{{{{- {system} -}}}}{{%- endif -%}}",
        "{%- for message in messages -%}{%- if message['role'] == 'assistant' -%}",
        f"{{{{- {answer} -}}}}",
        "{%- elif message['role'] != 'system' or not loop.first -%}",
        "{%- if message.input -%}{%- set said = message.instruction + '\\n' + message.input -%}",
        "{%- else -%}{%- set said = message['content'] -%}{%- endif -%}",
        "{%- if first.turn and first.system -%}" if turns.fused else "",
        f"{{%- set said = {system} + said -%}}{{%- endif -%}}" if turns.fused else "",
        "{%- set first.turn = false -%}",
        f"{{{{- {_written(turns.user, 'said')} -}}}}",
        "{%- endif -%}{%- endfor -%}",
    ]
    if turns.end:
        pieces.append(
            f"{{%- if not add_generation_prompt -%}}{{{{- {_written(turns.end)} -}}}}{{%- endif -%}}"
        )
    return "".join(pieces)


def _written(slot: str, text: str = "''") -> str:
    """A slot as a Jinja expression; a token that the tokenizer lacks is left out."""
    names = {"TEXT": text, "BOS": "(bos_token or '')", "EOS": "(eos_token or '')"}
    return " + ".join(names.get(piece) or json.dumps(piece) for piece in _PIECE.split(slot) if piece)
