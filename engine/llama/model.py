"""One model in llama.cpp: reads a prompt in pieces, answers token by token, and can be stopped anywhere."""

from __future__ import annotations

import codecs
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import llama_cpp

from engine.llama import words
from engine.llama.prompt import Writer
from engine.llama.words import Ask, Done, Load, Loaded, Piece, Reading, Refused, Stop, TooLong, Unloadable

_BATCH: Final = 64
"""Tokens of a prompt read in one go: between two of them a stop is heard."""
_FLUSH: Final = 0.05
_LEAST: Final = 16
"""Tokens of an answer for which there has to be room."""
_STALE: Final = "attention.sliding_window"
"""Models that forget the far past cannot go back to it: their cache is never cut."""

Say = Callable[[words.ToParent], None]
Heard = queue.SimpleQueue[words.ToProcess]


def serve(load: Load, heard: Heard, say: Say) -> int:
    """Load the model, then answer until this process is ended; 1 where it cannot be loaded."""
    began = time.monotonic()
    try:
        model = Model(load)
    except (ValueError, OSError, RuntimeError, AssertionError, MemoryError) as error:
        say(Unloadable(why=f"{error}".strip() or type(error).__name__))
        return 1
    gpu = bool(llama_cpp.llama_supports_gpu_offload())
    say(Loaded(context=model.context, template=model.writer.template, gpu=gpu,
               seconds=time.monotonic() - began))  # fmt: skip
    while True:
        said = heard.get()
        if isinstance(said, Ask):
            try:
                model.answer(said, heard, say)
            except (ValueError, RuntimeError) as error:
                model.forget()
                say(Refused(number=said.number, why=f"{error}".strip() or type(error).__name__))


class Model:
    """A loaded model and what it has read so far."""

    def __init__(self, load: Load) -> None:
        self._llama = llama_cpp.Llama(
            load.path,
            n_ctx=load.context,
            n_batch=_BATCH,
            n_threads=load.threads,
            n_threads_batch=load.threads,
            n_gpu_layers=load.gpu_layers,
            use_mlock=False,
            verbose=False,
        )
        self.context: int = self._llama.n_ctx()
        self.writer = Writer(self._llama.metadata, self._tokens, self._spelt)
        self._vocab = llama_cpp.llama_model_get_vocab(self._llama.model)
        self._cuts = not any(name.endswith(_STALE) for name in self._llama.metadata)

    def forget(self) -> None:
        """Read the next prompt from its beginning."""
        self._llama.reset()

    def answer(self, ask: Ask, heard: Heard, say: Say) -> None:
        """Read the prompt and answer it, saying each step."""
        ids = self.writer.written(ask.turns)
        room = self.context - len(ids)
        if room < min(_LEAST, ask.max_tokens):
            say(TooLong(number=ask.number, tokens=len(ids), room=max(self.context - ask.max_tokens, 0)))
            return
        teller = _Teller(ask.number, say)
        if not self._read(ids, heard, teller):
            teller.end("asked")
            return
        self._llama.set_seed(ask.seed)
        stopped_by: words.StoppedBy = "stop"
        for token in self._generate(ids, ask):
            if llama_cpp.llama_vocab_is_eog(self._vocab, token):
                break
            teller.add(self._llama.detokenize([token]))
            if _stopped(heard):
                stopped_by = "asked"
                break
            if teller.tokens >= ask.max_tokens or teller.tokens >= room:
                stopped_by = "length" if teller.tokens >= ask.max_tokens else "context"
                break
        teller.end(stopped_by)

    def _read(self, ids: list[int], heard: Heard, teller: _Teller) -> bool:
        """Read all of the prompt but its last token; False where a stop came."""
        llama, known = self._llama, self._known(ids)
        if known:
            llama.n_tokens = known
        else:
            llama.reset()
        last = len(ids) - 1
        while llama.n_tokens < last:
            teller.reading(llama.n_tokens, len(ids))
            llama.eval(ids[llama.n_tokens : min(llama.n_tokens + _BATCH, last)])
            if _stopped(heard):
                return False
        return True

    def _known(self, ids: list[int]) -> int:
        """Tokens at the beginning that were read before and need not be read again."""
        before: list[int] = list(self._llama.eval_tokens)
        same = 0
        for one, other in zip(before, ids[:-1], strict=False):
            if one != other:
                break
            same += 1
        return same if self._cuts or same == len(before) else 0

    def _generate(self, ids: list[int], ask: Ask) -> Iterator[int]:
        grammar = llama_cpp.LlamaGrammar.from_string(ask.grammar, verbose=False) if ask.grammar else None
        generated: Any = self._llama.generate(
            ids,
            temp=ask.temperature,
            top_p=ask.top_p,
            repeat_penalty=ask.repeat_penalty,
            grammar=grammar,
        )
        yield from generated

    def _tokens(self, text: str, special: bool, first: bool) -> list[int]:
        return list(self._llama.tokenize(text.encode("utf-8", "replace"), add_bos=first, special=special))

    def _spelt(self, token: int) -> str:
        spelt: bytes = self._llama.detokenize([token], special=True) if token >= 0 else b""
        return spelt.decode("utf-8", "replace")


class _Teller:
    """What is said of one answer: whole characters, a few times a second."""

    def __init__(self, number: int, say: Say) -> None:
        self.tokens = 0
        self._number, self._say = number, say
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = self._unsent = ""
        self._sent = self._began = 0.0

    def reading(self, done: int, total: int) -> None:
        self._say(Reading(number=self._number, done=done, total=total))

    def add(self, spelt: bytes) -> None:
        self._began = self._began or time.monotonic()
        self.tokens += 1
        self._take(self._decoder.decode(spelt))
        if self._unsent and time.monotonic() - self._sent >= _FLUSH:
            self._flush()

    def end(self, stopped_by: words.StoppedBy) -> None:
        self._take(self._decoder.decode(b"", final=True))
        self._flush()
        seconds = time.monotonic() - self._began if self._began else 0.0
        self._say(Done(number=self._number, text=self._text, tokens=self.tokens, seconds=seconds,
                       stopped_by=stopped_by))  # fmt: skip

    def _take(self, text: str) -> None:
        self._text += text
        self._unsent += text

    def _flush(self) -> None:
        if self._unsent:
            self._say(Piece(number=self._number, text=self._unsent))
            self._unsent, self._sent = "", time.monotonic()


def _stopped(heard: Heard) -> bool:
    """True where a stop has come; whoever asks anew stops what is under way first."""
    while not heard.empty():
        if isinstance(heard.get(), Stop):
            return True
    return False
