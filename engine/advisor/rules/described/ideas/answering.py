"""What people say of how a tuned model answers, merged and converted too."""

from __future__ import annotations

from typing import Final

WAYS: Final[dict[str, tuple[str, ...]]] = {
    "answers": (
        r"\b(generat\w+|outputs?|answer\w*|respon(se|ses|d|ds)|repl(y|ies|ied)|inference|infer(s"
        r"|ring)?|predict\w*|completions?|chat\w*|sampling|produces?|prompted|talks?)\b",
    ),
    "no_stop": (
        r"\b(goes|talks|writes|carries|chats|speaks) (straight |right |happily )?on\b",
        r"\b(made[- ]up|invented|imaginary|its own) (\w+ )?(user|human|question|turn)",
        r"\b(always|reach\w*|has|to|up to) (the )?(maximum|max|full) length\b",
        r"\b(in|into) (a|an|an endless|an infinite|endless) loops?\b",
        r"\b(only|just|always|keeps?) repeat\w*",
        r"\b(never|n't|not|fails? to|unable to|cannot|can not|without|no longer|refus\w+ to"
        r"|won't) (\w+ ){0,2}(stop\w*|end(s|ing)?|terminat\w+|halt\w*)\b",
        r"\b(never|n't|not|fails? to|unable to|cannot|without|no longer|rarely|seldom|hardly ever"
        r"|no) (\w+ ){0,3}(emit\w*|produc\w+|generat\w+|predict\w*|output\w*|writ\w+|learn\w*)? ?(the "
        r"|an? |any |its )?(eos|end[ -]of|end token|stop token|</s>|<\|im_end|<\|eot)",
        r"\b(until|till|up to|reach\w*|hits?|hitting|to) (the |its )?(max\w*[ _-]?(new[ _-]?)?(tokens?"
        r"|len\w*)|max_new_tokens|token limit|length limit|generation limit|limit is reached)",
        r"\b(endless\w*|never[- ]ending|non-?stop|infinite(ly)? (generat\w+|loop|output|repetition"
        r"|text|long)|infinite generation|run-?on)\b",
        r"\b(goes|going|go|runs?|keeps?|rambl\w+) (on and on|on forever|forever|indefinitely)\b",
        r"\b(goes|going|keeps? going|rambl\w+) on\b",
        r"\b(trouble|problems?|struggl\w+|how)\b[^.;]{0,40}\b(stop|stopped|end)\b",
        r"\b(duplicate\w*|repeat\w*|repetiti\w+)\b[^.;]{0,30}\b(result|answer|output|content|sentence"
        r"|respons|text|itself|paragraph)\w*",
        r"\b(result|answer|output|content|sentence|respons|model)\w*\b[^.;]{0,20}\brepeat(s|ed|ing)?\b",
        r"\bkeeps? (on )?(generating|going|talking|writing|repeating|rambling|producing|printing"
        r"|outputting|continuing|looping)",
        r"\b(over and over|again and again|rambl\w+|repeats? itself|loops? forever)\b",
        r"\b(invent\w*|hallucinat\w*|writ\w+|generat\w+|simulat\w+|continu\w+ with) (the |a |another "
        r"|its own |new |further |more )*(next |follow-?up |new |further |extra )*(user|human|question"
        r"|turn|dialog\w*|conversation|instruction)s?\b",
        r"\bcontinu\w+ (to generate|generating|after the answer|past)",
        r"\bdo(es)?(n't| not) know when to stop",
    ),
    "eos": (
        r"\beos\b[^.;]{0,30}\bmasked",
        r"\bend (marker|symbol|sequence)\b",
        r"\beos(_token)?(_id)?\b",
        r"\bend[- ]of[- ](text|sequence|sentence|turn)\b",
        r"\b(end|stop|ending|terminat\w+) tokens?\b",
        r"</s>",
        r"<\|(im_end|eot_id|endoftext|end_of_text|end)\|>",
        r"<eos>",
        r"<end_of_turn>",
    ),
    "garbage": (
        r"\b(outputs?|generations?|answers?|texts?|replies|responses?)\b[^.;]{0,20}\b(is|are|gets?"
        r"|becomes?|comes? out)( \w+)? (corrupt\w*|broken|garbled|mangled|noise|chaotic)",
        r"\bexclamation marks?\b|!!!+|\b(unrelated|irrelevant) (to|answers?|text)\b",
        r"\b(gibberish|garbage|garbled|nonsens\w*|incoheren\w*|degenerate\w*|meaningless|unreadable"
        r"|rubbish|junk|mojibake|unintelligible|scrambled)\b",
        r"\bword salad\b",
        r"\b(random|strange|weird|odd|broken|corrupt\w*|unrelated|wrong|bizarre) (text|tokens?|words?"
        r"|characters?|symbols?|output\w*|strings?|letters?|language|answers?|responses?|repl\w+"
        r"|things)",
        r"\b(single|same|one) (letter|character|token|word|symbol)s?\b[^.;]{0,20}\brepeat\w*",
        r"\brepeat\w*\b[^.;]{0,30}\b(single|same|one) (letter|character|token|word|symbol)",
        r"\bmixe?[ds]? (of )?(languages|scripts)",
        r"\bonly (exclamation marks|punctuation|newlines|whitespace|spaces)\b",
        r"(?P<again>[^\s.=_*#+/\\-])(?P=again){6,}",
        "乱码",
    ),
    "worse": (
        r"\b(worse|weird\w*|strange\w*|unexpected|degrad\w*|poor(er|ly)?|bad(ly)?|differs?|different"
        r"|inconsistent|abnormal\w*|wrong(ly)?|decreas\w+|drop\w*|collaps\w+|los(es|t|ing)|quality"
        r"|unlike|broken)\b",
    ),
    "same_as_base": (
        r"\b(same|identical)\b[^.;]{0,30}\b(without|before) (any )?(training|fine-?tuning)",
        r"\bbase\w*\)? ?== ?",
        r"\b(output|result|behaviou?r)s? (similar|equal|identical) to\b",
        r"\b(same|identical\w*|exactly|just|no different|indistinguishable|equal|unchanged|similar"
        r"|like|as)\b[^.;]{0,50}\b(base|original|pre-?trained|un-?(tuned|trained|finetuned)|foundation"
        r"|vanilla|stock)\b( model)?",
        r"\b(base|original|pre-?trained|untuned)\b( model)?[^.;]{0,30}\b(same|identical|equal)\b",
        r"\bas (if|though)\b[^.;]{0,60}\b(not|never|n't|no)\b[^.;]{0,20}\b(appl\w+|loaded|train\w*"
        r"|tun\w+|used|there)",
    ),
    "no_effect": (
        r"\b(seems?|appears?|is|are|gets?) (to be )?(simply |just |completely |silently )?ignored\b"
        r"|\bwith (and|or) without (it|the|an|lora|adapter)\b[^.;]{0,30}\b(identical|same|equal)",
        r"\bno-?op\b|\bno lora (is |being )?(loaded|applied|active)",
        r"\bkeys? (loaded|matched|found)\b[^.;]{0,10}\b0\b|\b0 (of \d+ )?(\w+ )?keys (loaded|match)",
        r"\b(no|zero|without( any)?|any|little|hardly any) (visible |noticeable |measurable "
        r"|real )?(effect|impact|influence|difference|change|improvement)s?\b",
        r"\bdo(es)?(n't| not) (affect|change|influence|alter|impact)\b",
        r"\b(lora|adapter|weights?)\b[^.;]{0,40}\b(not|never|n't)( \w+)? (appl\w+|active|activated"
        r"|used|take effect|taking effect|attached|loaded)\b",
        r"\b(ignor\w+|drops?|los(es|ing)) the (lora|adapter|fine-?tun\w+)",
        r"\bineffective\b",
        r"\b(keys?|names?|weights?)\b[^.;]{0,30}\b(silently )?(skipped|ignored|not matched|unmatched"
        r"|unexpected|missing)\b",
    ),
    "fine_before": (
        r"\b(adapter|lora|peft|unmerged|fine-?tun\w+|tuned model|trained model|transformers|python"
        r"|unsloth|before)\b[^.;]{0,60}\b(works?|fine|correct\w*|good|well|ok|normal|perfect\w*|right"
        r"|impressive|stable)\b",
    ),
    "training_fine": (
        r"\b(training|fine-?tuning|train(ed)?|loss|run)\b[^.;]{0,30}\b(was|is|were|are|looks?|looked"
        r"|runs?|went|itself|seems?|finish\w*|complet\w*)\b[^.;]{0,20}\b(fine|normal\w*|ok|well|good"
        r"|low|stable|without|smooth\w*|success\w*)\b",
        r"\bno (error|exception|warning|crash|traceback)s?\b",
        r"\bwithout (any |an )?(error|exception|warning)s?\b",
    ),
    "merge": (
        r"\bfusing (the )?(models?|lora|adapters?|weights)",
        r"\bfused (\S+ )?(model|weights|checkpoint)",
        r"\bmerg\w+(?! (it|them|tokens|characters|with the))",
        r"\bfus(e|ed|ing) (the )?(adapter|lora|weights)",
        r"\bmerge_and_unload\b",
    ),
    "gguf": (
        r"\b(gguf|ggml|ollama|modelfile|lm ?studio|koboldcpp|llamafile)\b",
        r"\bllama[._ ]?cpp\b",
        r"\bconvert(_hf_to_gguf|_lora_to_gguf|-hf-to-gguf)?\.py\b",
        r"\bq[2-8]_(k|0|1)\w*\b",
        r"\bpre-?tokeni[sz]er\b",
    ),
    "convert": (r"\b(convert\w*|conversion|export\w*|quantis\w+|quantiz\w+)\b",),
}
"""Ways of saying it, as regular expressions over lower-case text, by idea."""
