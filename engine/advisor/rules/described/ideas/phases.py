"""What people say of the part of a run in which it happened, and of memory."""

from __future__ import annotations

from typing import Final

WAYS: Final[dict[str, tuple[str, ...]]] = {
    "killed": (r"\bkilled\b|\bsigkill\b|\bexit code -?9\b|\bkills the (job|process|run|training)",),
    "resume": (
        r"\binterrupt\w+",
        r"\b(job|run|training) (is|was|gets) continued\b",
        r"\brestarts? (with|at) (step|epoch|iteration)",
        r"\bresum\w+",
        r"\bcontinu\w+ (\w+ ){0,4}(run|training|fine-?tun\w*|from|interrupted|stopped)\b",
        r"\bcontinued? (run|training)\b",
        r"\b(restart\w*|reload\w*|pick\w* up)\b[^.;]{0,40}\b(checkpoint|training|run|where)",
        r"\bfrom (the |a |its |my )?(last |latest |saved |previous |old )*checkpoint",
        r"\b(starts?|begins?|restarts?|started) (again )?(from|at) (scratch|zero|the beginning|(epoch"
        r"|step|iteration)[ =]?0)",
        r"\bcheckpoint\w*[^.;]{0,20}\brestor\w+",
    ),
    "checkpoint": (r"\bcheckpoints?\b(?!ing)",),
    "save": (
        r"\bsav(e|es|ed|ing)\b",
        r"\bsave_\w+",
        r"\b(writ(e|es|ing|ten)|stor(e|es|ed|ing)|dump\w*) (\w+ ){0,3}(checkpoint|adapter|model"
        r"|weights?|files?)",
        r"\b(checkpoint|adapter|model|weights?|files?)( \w+){0,3} (written|stored|dumped)\b",
        r"\bcheckpoint(s|ing)? (write|save|step)",
        r"\b(state[_ ]?dict|_save_to_state_dict|torch\.save)\b",
    ),
    "file_lacking": (
        r"\b(few|some|only) (hundred )?bytes\b|\btoo small to be\b",
        r"\b(zero|0|no) tensors\b",
        r"\b(adapter\w*|checkpoints?|weights?|safetensors|bin|output (folder|dir\w*)|model files?"
        r"|lora)\b[^.;]{0,50}\b(empty|missing|lacks?|lacking|absent|incomplete|corrupt\w*|deleted"
        r"|removed|lost|gone|overwritten|nothing)\b(?! gradients?| grad)",
        r"\b(adapter\w*|checkpoints?|weights?|safetensors|bin|model files?|lora)\b[^.;]{0,40}\b(not"
        r"|never|n't) (\w+ )?(sav\w+|writt?\w+|created|produced|stored)\b",
        r"\b(adapter_model\S*|\S+\.(bin|safetensors|pt))[^.;]{0,20}\bnot (being |been )?updated",
        r"\b(no|not an?|without( the| any)?|lack\w*( of)?( the)?|missing|empty|produces no|wr(ites"
        r"|ote) no) (\w+ ){0,2}(adapter\w*|checkpoints?|safetensors|weights|lora weights"
        r"|model files?)\b",
        r"\bonly (the )?(config|json|base|projector|tokenizer)\w*\b[^.;]{0,30}\b(saved|written|there"
        r"|left|folder)\b|\bholds only the config",
        r"\b\d+ ?(bytes?|kb)\b",
        r"\b(actually|really|even) sav\w+",
    ),
    "artifact": (
        r"\b(adapter|lora|checkpoints?|weights?|safetensors|adapter_model|\.bin|output (folder|dir\w*)"
        r"|folder|directory|file)\b",
    ),
    "disk": (
        r"\b(disk|disc|storage|drive|volume|quota|inode\w*|filesystem|partition)\b",
        r"\bno space\b",
        r"\benospc\b",
    ),
    "full": (
        r"\b(full|fill\w*|no space|exhaust\w*|exceed\w*|ran out|runs? out|left on device|too (big"
        r"|large))\b",
    ),
    "rename": (r"\brenam\w+", r"\btmp-checkpoint\b", r"\btemporary (checkpoint|folder|directory)"),
    "eval": (
        r"\b(eval|evals|evaluat\w+|validat\w+|validation|compute_metrics|prediction_loop"
        r"|evaluation_loop|nested_concat|scor(e|es|ing))\b",
        r"\bpredict\w* (loop|step|phase)\b",
    ),
    "oom": (
        r"\bkills?\b[^.;]{0,40}\b\d+ ?gi?b\b",
        r"\b(needs?|requires?|takes?|uses?) (more|over) (than )?(the )?\d+ ?gi?b\b|\b(cuda|memory"
        r"|gpu) allocation (fail\w*|error)|\ballocat\w+ (\w+ ){0,3}(memory|gib|gb)",
        r"\bno (\w+ )?(memory|vram) (is )?(left|available|free)|\b(card|gpu) (\w+ )?(runs?|run|is"
        r"|gets?) full\b|\b(gpu|card|memory|vram) (is |was )?too small",
        r"\bexhaust\w*[^.;]{0,20}\b(gb|gib|memory|vram)\b|\bdispatched (on|to) the (cpu|disk)",
        r"\bgrow(-?up|th)? of (\w+ )?memory\b",
        r"\b\d+(\.\d+)? ?gi?b\b[^;]{0,80}\b\d+(\.\d+)? ?gi?b\b[^;]{0,40}\bkilled\b",
        r"\bout[- ]of[- ](gpu[- ]|cuda[- ]|host[- ]|video[- ])?memory\b",
        r"\boom(s|ed|ing|-?kill\w*)?\b",
        r"\b(not enough|insufficient|too little|exceed\w*|(runs?|ran|running) out of|runs? short of"
        r"|exhaust\w*) (\w+ ){0,2}(memory|v?ram)\b",
        r"\b(memory|v?ram)\b[^.;]{0,40}\b(grow\w*|increas\w*|full|explod\w*|leak\w*|fill\w*"
        r"|overflow\w*|spik\w*|exhaust\w*|balloon\w*|creep\w*|runs? out|insufficient|accumulat\w*)\b",
        r"\b(grow\w*|increas\w*|spik\w+|leak\w*|balloon\w*) (\w+ ){0,2}(memory|v?ram)\b",
        r"\b(do(es)?(n't| not)|cannot|can't|won't|no longer|not) fit\b(?![^.;]{0,30}(adapter|base|head"
        r"|model's|length|context|window|limit))",
        r"\btoo (big|large) for (\w+ ){0,2}(gpu|card|memory)\b",
        r"\bmemory ?error\b",
        r"\b(dies|died|crash\w*|killed|fails?)\b[^.;]{0,40}\b\d+ ?gi?b (card|gpu|v?ram)",
        r"\bkilled by the (system|kernel|os|oom)",
        r"\bmemory[^.;]{0,10}\boverflow",
    ),
    "host_memory": (
        r"\b(host|system|cpu|main|machine'?s?) (ram|memory)\b",
        r"\b(?<!v)ram\b",
        r"\b(process|job|it)? ?(is|was|gets?) killed\b",
    ),
    "long_rows": (
        r"\b(long(est|er)?|big(gest)?|large(st|r)?) (\w+ )?(sample|sequence|row|example|input|prompt"
        r"|document|batch|context|conversation)s?\b",
        r"\b(sample|sequence|row|input|prompt)s? (that (is|are)|of)? ?(too )?long",
    ),
}
"""Ways of saying it, as regular expressions over lower-case text, by idea."""
