"""What people say of the loss, of the weights and of what was learnt."""

from __future__ import annotations

from typing import Final

WAYS: Final[dict[str, tuple[str, ...]]] = {
    "eval_worse": (
        r"\b(validation|eval\w*|held-?out)\b[^.;]{0,25}\b(gets?|getting|becomes?) worse|\b(validation"
        r"|evaluation)\b[^.;]{0,15}\b(worsens|degrades|deteriorates)",
    ),
    "loss": (
        r"\bcurve\b",
        r"\bloss(es)?\b",
    ),
    "loss_zero": (
        r"\bloss(es)?\b(?!_)(?![^.;]{0,60}\b(near|nearly|close|almost|toward|approach\w*"
        r"|in steps))[^.;,]{0,25}\b(zero|0(\.0+)?)\b(?!\.?\d|[ -]*shot)",
        r"\bloss(es)?\b[^.;,]{0,60}\b(is|are|was|were|becomes?|stays?|reach\w*|drops?|go(es)?|fell"
        r"|falls?|shows?|reads?|print\w*|report\w*)( (at|to|as|exactly|always|all|also|suddenly"
        r"|down)){0,3} (zero|0(\.0+)?)\b(?!\.?\d)",
        r"\b(zero|0(\.0+)?) (train(ing)? )?loss(es)?\b",
        r"\b(reports?|shows?|prints?|logs?) (a |an )?(loss of )?0(\.0+)\b",
        r"\blabels?\b[^.;]{0,30}(?<!\d)-100",
        r"\b(every|all|most|no) (of the )?(labels?|tokens?|targets?)[^.;]{0,30}\b(masked|ignored"
        r"|unmasked)\b",
    ),
    "loss_tiny": (
        r"\bloss(es)?\b[^.;]{0,50}\b(near|nearly|close to|almost|towards?|approach\w*) (zero|0)\b",
        r"\b(very|extremely|suspiciously|too|much too) (low|small)[^.;]{0,15}\bloss",
    ),
    "eval_loss": (r"\b(eval\w*|valid\w*|val|test|held[- ]?out|dev)[ _-]*(set |split )?loss(es)?\b",),
    "nan": (
        r"\b(never|not|no) (a )?numbers?\b",
        r"\binfs\b|\bsteps? (\w+ ){0,3}skipp\w+|\bskipp\w+ (\w+ ){0,2}steps?",
        r"\bnans?\b",
        r"\bnot[ -]a[ -]number\b",
        r"[+-]?\binf\b",
        r"\binfinity\b",
        r"\bnon-?finite\b",
        r"\bnot finite\b",
        r"\b(numeric\w*|fp16|float16|half|gradient\w*|scal\w+|exponent) (\w+ )?(over|under)flow",
        r"\bloss scale\b[^.;]{0,40}\b(minimum|1\b|reached|keeps)",
    ),
    "nan_weights": (
        r"\b(adapter|weights?|tensors?|checkpoint|values)\b[^.;]{0,15}\b(is|are|contains?|holds?"
        r"|full of|only|all|has|have|became|becomes?)\b[^.;]{0,25}\bnans?\b",
    ),
    "half": (r"\bfp16\b", r"\bfloat16\b", r"\bhalf[ -]?precision\b", r"\bhalf\b"),
    "rises": (
        r"\b(ris(e|es|ing|en)|rose|increas\w+|grow(s|n|ing)?|climb\w*|doubl(es|ed|ing)|tripl\w+"
        r"|leap\w*|soar\w*|(goes|going|went|shoots?) (back )?up|jump\w*)\b",
        r"\b(get(s|ting)?|becom\w+) (worse|larger|higher)\b",
        r"\bworsen\w*",
    ),
    "bursts": (
        r"\b(spik\w+|explod\w+|explosion|diverg\w+|blow(s|ing)? up|blew up|skyrocket\w*|surg(e|es|ing)"
        r"|shoots? up)\b",
        r"\b(unstable|instabilit\w+)\b",
        r"\b(sudden\w*|abrupt\w*|huge|large|strange|massive)\b[^.;]{0,30}\b(jump|leap|rise|increase"
        r"|peak|spike)\w*",
    ),
    "falls": (
        r"\b(fall(s|ing|en)?|fell|drop(s|ped|ping)?|decreas\w+|declin\w+|(goes|going|went|comes?) down"
        r"|converg\w+|improv\w+)\b",
    ),
    "flat": (
        r"\bdigit for digit\b|\bcopy of the (first|previous)\b|\bexactly the same (values|curve|losses)",
        r"\b(not|n't|never|no longer|barely|hardly|scarcely|won't|fails? to"
        r"|refus\w+ to) (\w+ ){0,4}(decreas\w*|go(es|ing)? down|come down|drop\w*|improv\w*|converg\w*"
        r"|fall\w*|move\w*|budge|reduc\w*|learn\w*)\b",
        r"\b(flat|plateau\w*|stagnat\w*)\b",
        r"\b(stuck|stays?|stayed|remain\w*|constant|hovers?|oscillat\w*)\b[^.;]{0,30}\b(around|at|near"
        r"|same|level|the)\b",
        r"\b(exact|bitwise|identical|same)\w*\b[^.;]{0,40}\b(each|every|per|across) epochs?\b",
        r"\brepeat\w*[^.;]{0,20}\b(every|each) epoch",
        r"\b(learn\w*|trained) (almost |practically |virtually )?nothing\b",
        r"\b(almost |practically |virtually |next to )?no (progress|learning|update|improvement)\b",
        r"\bunderfit\w*",
        r"\bloss\b[^.;]{0,40}\b(converg\w+|settl\w+|saturat\w+|stops?) (to|at) (around|about|~|a high)?",
    ),
    "no_rate": (
        r"\b(learning[ _-]?rate|lr)\b[^.;]{0,50}\b(zero|0(\.0+)?|nothing|tiny|too (small|low)|near"
        r"|never (rises?|leaves?|warms?))\b",
        r"\bwarm-?up\b[^.;]{0,40}\b(longer|never (ends?|finish\w*|complet\w*)|whole|entire)\b",
        r"\bscheduler?\b[^.;]{0,40}\b(once per epoch|per epoch|stepp\w+|wrong|too early|exhausted)\b",
    ),
    "no_grad": (
        r"\bdetach\w*\b|\b(cut|break|lose|drop)\w* (off )?(from )?the graph",
        r"\brequir(es?|ing)( a)?[_ ]?grad(ient)?\b(?![^.;]{0,10}true)",
        r"\b(no|without( a)?|missing|lack(s|ing)?( of)?( a)?|zero) (gradients?|grad\b|grad_fn)",
        r"\bgrad(ient)?s? (is|are|stays?) (none|zero|0)\b",
        r"\b(receiv\w+|gets?) no gradients?\b",
        r"\bgradients?\b[^.;]{0,30}\b(not|n't|never) (flow|reach|propagat|comput)\w*",
        r"\bno tensor requires\b",
        r"\bdoes not require (a )?grad",
    ),
    "no_trainable": (
        r"trainable_param\w*[^.;]{0,30}\b(0|zero)\b",
        r"\b(freez\w+|froze) (the |a |all |its )?(\w+ )?(lora|adapters?|weights?|param\w*|default"
        r"|layers?|model)\b",
        r"\b(zero|no|0|without( any)?) param\w*",
        r"\bempty (list|set|group)s? of (param\w*|weights)|\bno param\w* (to|are|were|is)\b|\b(nothing"
        r"|no weights?) to (train|optimi[sz]e)",
        r"\btrainable\w*[^.;]{0,40}\b(0|zero|none)\b(?!\.\d)",
        r"\b(no|zero|0|without) trainable\b",
        r"\b(parameters?|weights?|layers?|adapter|lora|everything|all)\b[^.;]{0,30}\b(frozen|froze"
        r"|not trainable|untrainable)\b",
        r"\bis_trainable\b",
        r"\binference_mode\b",
        r"\boptimi[sz]er\b[^.;]{0,30}\b(empty|no param\w*|0 (groups|param\w*))",
    ),
    "not_updated": (
        r"\bleaves? the (\w+ )?(weights?|parameters?|adapter) unchanged\b",
        r"\b(adapter|weights?|lora)\b[^.;]{0,30}\b(identical|equal|same)\b[^.;]{0,20}\b(initial|before"
        r"|start\w*)",
        r"\b(norms?|values?) of [^.;]{0,30}\blora\b[^.;]{0,30}\b(zero|0)\b"
        r"|\blora\b[^.;]{0,20}\b(matri\w+|b)\b[^.;]{0,30}\b(zero|0)\b",
        r"\b(tensors?|matrices|parameters|weights)\b[^.;]{0,20}\b(identical|equal|same"
        r"|unchanged)\b[^.;]{0,30}\b(before|after|train\w*)",
        r"\bnothing (is|gets|was) (optimi[sz]ed|learn\w*)",
        r"\b(weights?|parameters?|adapter|lora\w*|matrices|layers?)\b[^.;]{0,40}\b(not|n't|never"
        r"|without being)( \w+)? (updat\w+|chang\w+|trained|optimi[sz]ed|mov\w+)",
        r"\blora_?(b|up)\b[^.;]{0,80}\b(zeros?|norm 0|0(\.0+)?|unchanged|untouched|initial)\b",
        r"\b(zero|0) lora_?b\b",
        r"\bnothing (is|was|gets) (trained|updated)\b",
        r"\b(blocks?|prevents?|disables?|no|without)\b (\w+ ){0,3}(updates?|train(ing)?)\b(?! (data"
        r"|loss|example|sample|row|set|error|signal|step))",
        r"\b(weights?|parameters?)\b[^.;]{0,20}\b(identical|equal|same)\b[^.;]{0,20}\bbefore and after",
        r"\b(lora_?(b|up)|weights?)\b[^.;]{0,20}\ball zeros?\b",
        r"\b(weights?|parameters?)\b[^.;]{0,30}\b(unchanged|identical|same)\b[^.;]{0,30}\b(train"
        r"|before|start)",
    ),
    "grad_checkpointing": (
        r"\bgradient[ _-]?checkpoint\w*",
        r"\bactivation checkpoint\w*",
        r"\breentrant\b",
    ),
    "scaled_loss": (
        r"\bloss\b[^.;]{0,30}\b(much|far|several times|a lot) (higher|larger|bigger)\b",
        r"\bloss\b[^.;]{0,80}\b(proportion\w*|scales?|multipl\w+|times (higher|larger|as (high|large))"
        r"|inflated|too high|\d+x|twice|doubl\w+)\b",
        r"\b(inflated|wrong|incorrect|higher|larger)[^.;]{0,20}\bloss\b",
    ),
    "accumulation": (r"\b(gradient|grad)[ _-]?acc\w*", r"\baccumulation\b"),
    "memorised": (
        r"\b(phrases|sentences|parts|pieces|answers) (of|from) the training\b|\banswers? (every|any"
        r"|all) (prompt|question)s? with\b",
        r"\b(out of|from) the training (set|data|examples)\b",
        r"\b(repeat\w*|reproduc\w*|cop(ies|ying)|quot\w+|spits? out)\b[^.;]{0,40}\b(training|data ?set"
        r"|input data)\b",
        r"\b(over-?fit\w*|memori[sz]\w*|by heart|verbatim|recit\w*|regurgitat\w*|parrot\w*)\b",
        r"\b(same|identical|one|fixed) (answer|response|reply|output|sentence)s?\b[^.;]{0,60}\b(every"
        r"|any|all|whatever|regardless|no matter|different)?",
        r"\b(whatever|regardless of what|no matter what|any question)\b[^.;]{0,20}\b(ask|prompt"
        r"|question|input)\w*",
        r"\b(generali[sz]\w+)\b[^.;]{0,20}\b(not|poor|bad|fail\w*|n't)|\b(not|poor|n't"
        r"|fails? to) generali[sz]\w*",
        r"\b(stair\w*|step-?wise|in steps)\b",
        r"\b(drops?|falls?|declin\w*) (\w+ ){0,3}(at|with) (the |each "
        r"|every )*(\w+ )?epoch (boundar\w+|start|end)",
    ),
    "forgot": (
        r"\b(cannot|no longer|unable to) (\w+ ){0,3}(ordinary|normal|general|simple|basic|other"
        r"|everyday)\b",
        r"\b(mmlu|benchmarks?|gsm8k|hellaswag)\b[^.;]{0,40}\b(drop|fall|declin|worse|lower|decreas)\w*",
        r"\bany ?more\b[^.;]{0,20}$",
        r"\b(forgot\w*|forgets?|forgetting|unlearn\w*)\b",
        r"\b(ability|abilities|capabilit\w+|knowledge|skills?)\b[^.;]{0,30}\b(damaged|destroyed|drops?"
        r"|dropped|lost|gone|declin\w*|degrad\w*|wors\w+|weaken\w*|reduced|collaps\w*)\b",
        r"\b(general|common|basic|previous|original|prior|old|other|earlier) (\w+ )?(ability|abilities"
        r"|capabilit\w+|knowledge|skills?|performance|sense)\b[^.;]{0,60}",
        r"\b(lost|loses) (its |the |all )?(ability|abilities|knowledge|skills?)",
        r"\b(could|knew) (\w+ ){0,3}before\b",
    ),
    "new_inputs": (
        r"\b(new|unseen|other|held[- ]?out|test|different) (questions?|inputs?|prompts?|data|examples?)\b",
    ),
}
"""Ways of saying it, as regular expressions over lower-case text, by idea."""
