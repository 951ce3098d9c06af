"""What people say of tokens, of rows, and of the packages and places around a run."""

from __future__ import annotations

from typing import Final

WAYS: Final[dict[str, tuple[str, ...]]] = {
    "length_limit": (
        r"\b(max_\w*len\w*|cutoff_len|context (window|length)|length limit|token window|token limit"
        r"|limit of \d+)\b",
        r"\bmax\w* (sequence |seq |input )?len\w*",
    ),
    "state_keys": (
        r"\b(missing|unexpected|unmatched|mismatched|extra) keys?\b",
        r"\bkeys?\b[^.;]{0,30}\b(not found|missing|mismatch\w*|unexpected|differ|not match)",
        r"\bkey mismatch\w*|\bkey naming\b",
    ),
    "vocab": (
        r"\bvocab\w*",
        r"\bembed(ding|dings|_tokens)?\b",
        r"\blm_?head\b",
        r"\b(added|new(ly)?|extra|special|custom) (added )?tokens?\b",
        r"\bresize\w*",
        r"\btoken ids?\b",
        r"\blen\(tokenizer\)",
        r"\b(tokenizer|model)\b[^.;]{0,20}\b\d{5,6}\b",
        r"\badded_tokens\b",
        r"\bmodules_to_save\b",
    ),
    "misfit": (
        r"\bnot in modules_to_save\b",
        r"\b(not|never|without) (being )?(enlarg\w+|extend\w+|grown|resiz\w+)|\blarger than that\b",
        r"\b(?P<size>\d{5,6})\b[^.;]{0,60}\b(?!(?P=size)\b)\d{5,6}\b",
        r"\b(size|shape)s?[ _]?(mismatch\w*|differ\w*)?\b",
        r"\b(mismatch\w*|differ\w*|disagree\w*|out of (range|bounds)|outside|beyond|exceed\w*"
        r"|larger than|resize\w*|rows)\b",
        r"\b(not|n't|never|without|forgot\w*) (\w+ ){0,2}(fit|match|resiz\w+|called|learn\w*|trained)\b",
        r"\b(cannot|can't|fails?|error)\b[^.;]{0,40}\bload\w*",
    ),
    "template": (
        r"\b(chatml|alpaca|vicuna|llama-?\d|mistral|gemma|zephyr|qwen)( \w+)? (format|template|style"
        r"|prompt)\w*|\btrained with chatml",
        r"\b(chat|prompt|response|instruct\w*|conversation)[- _]?templates?\b",
        r"\b(response|instruction|assistant|turn)[- _](markers?|keys?|part|prefix|header)\b",
        r"\btemplates?\b",
        r"\brole (markers?|headers?)\b",
        r"\b(instruction|response)_part\b",
    ),
    "double_bos": (
        r"\b(begin\w*|start) (token|marker|symbol)s?[^.;]{0,30}\b(twice|two|doubl\w*|again)\b",
        r"\b(two|double\w*|duplicat\w*|second|twice|extra|2)\b[^.;]{0,20}\b(bos|begin\w*[- ]of|<s>)",
        r"\bbos\b[^.;]{0,30}\b(twice|two|doubl\w*|duplicat\w*|again|both)",
        r"<s> ?<s>",
        r"<\|begin_of_text\|> ?<\|begin_of_text\|>",
    ),
    "wrong": (
        r"\b(wrong|mismatch\w*|different|incorrect\w*|not (the )?(same|right|match\w*)|without|no"
        r"|missing|lacks?|other|instead|unlike|differs?|broken|lost|held only)\b",
    ),
    "pad": (
        r"\bpad(s|ded|ding)?\b",
        r"\bpad_token(_id)?\b",
        r"\bpadding_side\b",
        r"\battention[_ ]mask\b",
    ),
    "left": (r"\bleft\b(?! (in|on|over|of the (sample|row))| at the)",),
    "batch_size": (
        r"\bbatch(es|ed)?([_ ]size)?\b",
        r"\bmore than one (sample|row|example)\b",
    ),
    "batch_one": (
        r"\balone\b[^;]{0,60}\b(batch|together|both)\b",
        r"\b(batch([_ ]size)?|size) ?(of |= ?|is )?(1|one)\b",
        r"\b(single|one) (samples?|rows?|examples?|sequences?|inference|input|at a time)\b",
        r"\bdifferent batch sizes?\b",
        r"\bbatch[_ ]size\b[^.;]{0,30}\b(chang\w+|depend\w*|with|> ?1|above|greater)\b",
        r"\bchang\w+ with the batch",
    ),
    "truncated": (
        r"\b(length|token) (cut|cap|cap)\b",
        r"\b(los(e|es|t|ing)|missing|without) (their |its |the )?(last|final|closing) (tokens?|part"
        r"|words?|sentence|turn)",
        r"\b(answers?|outputs?|repl(y|ies)|responses?|texts?)\b[^.;]{0,30}\b(incomplete|unfinished"
        r"|end abruptly|stop (too )?early|too short)\b",
        r"\b(clipped|limited|shortened|reduced|cropped) (at|to) \d+",
        r"\blonger than (the |a |its )?\d+[- ]tokens?",
        r"\b(use\w*|takes?|eats?|fill\w*) (up )?(the )?(context|window)\b",
        r"\bshorten(s|ed|ing)?\b",
        r"\blonger than \d+ tokens|\b(0|zero|no|without|few) (label|supervised|answer|target"
        r"|response) tokens",
        r"\b(length|tokens)\b[^.;]{0,20}\bbefore\b[^.;]{0,20}\d[^.;]{0,20}\bafter\b",
        r"\btruncat\w*",
        r"\bcut(s|ting)?[ -](off|at|short|away|down)\b",
        r"\b(chopp\w+|clipped off|trimmed|breaks? off|broken off)\b",
        r"\bcutoff(_len)?\b",
        r"\b(fill\w*|exceed\w*|over|above|beyond|longer than|despite) (\w+ ){0,3}(max_\w*len\w*"
        r"|max\w* (seq\w* )?len\w*|length limit|context (window|length)|cutoff\w*|token limit)",
        r"\bmax_\w*len\w*[^.;]{0,60}\b(too (short|small)|below|ignored|not (respected|enough)|only)\b",
        r"\b(only|exactly) (the )?(first )?\d+ tokens\b",
        r"\b(not|n't|cannot) fit (\w+ ){0,3}(max\w*|length|context|window|limit)",
        r"\bcuts? off\b|\btrims?\b",
        r"\b(overlong|over-?length|too long) (rows?|samples?|inputs?|prompts?)\b",
    ),
    "part_lost": (
        r"\bincomplete\b",
        r"\b(nothing|none|no|not|only|lost|missing|goes? missing|gone|incomplete|without|middle"
        r"|mid-?sentence|discard\w*|remov\w*)\b",
    ),
    "label_part": (
        r"\b(labels?|answers?|responses?|targets?|repl(y|ies)|completions?|assistant|conversation|eos"
        r"|end)\b",
    ),
    "roles": (
        r"\b(two|several|consecutive|successive|multiple) (\w+ )?(assistant|user|human|gpt"
        r"|system) (messages|turns)",
        r"\brole( tag)?s?\b",
        r"\balternat\w*",
        r"\b(twice|two|several|consecutive|multiple) (\w+ )?(user |assistant |human )?(turns?"
        r"|messages?|times) in a row\b",
        r"\bin a row\b",
        r"\b(sharegpt) (format|style|data\w*)?",
        r"\b(first|last) (turn|message)\b",
    ),
    "columns": (
        r"\bcolumns?( names?)?\b",
        r"\bkeyerror\b",
        r"\bfields?\b[^.;]{0,30}\b(missing|wrong|absent|expected|lacks?|not|instruction|output|text"
        r"|messages)\b",
        r"\b(missing|wrong|expected|required|unknown|absent) (fields?|columns?)\b",
        r"\b(output|answer|response|content|field|value|instruction|text)s? (is|are|being|that (is"
        r"|are)) (none|null|empty|missing)\b",
        r"\b(none|null|empty) (outputs?|answers?|responses?|contents?|values?|fields?|strings?)\b",
        r"\bnest(s|ed|ing)\b",
        r"\blist of (lists|dicts|strings)\b",
        r"\b(data\w*|rows?|samples?|examples?)\b[^.;]{0,30}\bformat\w*\b",
        r"\bformatting (func|function)\b",
    ),
    "dropped": (
        r"\b(dialog\w*|turns?|half|part|share|portion) [^.;]{0,40}\b(dropp\w+|skipp\w+|discard\w+"
        r"|ignored|thrown away|not used|unused)\b",
        r"\b(number|num|count|amount)s?\b[^.;]{0,60}\b(differs?|less|fewer|smaller|lower|not match"
        r"|disagree\w*)\b",
        r"\b(rows?|samples?|examples?|conversations?|records?|entries|data)\b[^.;]{0,50}\b(dropp\w+"
        r"|skipp\w+|discard\w+|ignored|reject\w+|disappear\w*|vanish\w*|lost|filtered out|omitted"
        r"|thrown away|deleted|missing)\b",
        r"\b(drops?|skips?|discards?|ignores?|rejects?|omits?) (\w+ ){0,4}(rows?|samples?|examples?"
        r"|conversations?|records?)\b",
        r"\bfewer (rows?|samples?|examples?)\b",
    ),
    "rows": (
        r"\b(data ?sets?|rows?|samples?|examples?|conversations?|records?|data|json(l|lines)?|csv|split)\b",
    ),
    "encoding": (
        r"\b(illegal|invalid|undecodable) (multi)?(byte|character|sequence)|\bbyte sequence\b"
        r"|\bnot (valid )?utf",
        r"\bwindows-125\d\b|\bumlauts?\b|\baccent(s|ed)\b|\bnon-ascii\b|\bchinese characters\b",
        r"\b(encod(ed|ing)|utf-?8|utf-?16|gbk|cp1252|cp936|latin-?1|unicode\w*|byte[- ]order|bom|codec"
        r"|decod\w+ error|code ?page|special characters|mojibake)\b",
    ),
    "parse": (
        r"\bmix(es|ed|ing)? (\w+ )?(types?|strings?|objects?|lists?|numbers?)\b",
        r"\b(pars(e|es|ed|ing|er)|malformed|unparsable|invalid json|jsondecode\w*|arrow\w*|pyarrow"
        r"|schema|delimiter|trailing comma|mixed types?)\b",
        r"\b(strings?|numbers?|lists?|dicts?|objects?|arrays?)\b[^.;]{0,30}\bin (some|other|others)\b",
        r"\bcolumns?\b[^.;]{0,40}\b(types?|changed from)\b",
    ),
    "empty": (
        r"\b(tokeni[sz]er|tokeni[sz]ed) (results?|outputs?|rows?) (is|are) empty",
        r"\bafter [^.;,]{0,20}filter\w*:? (0|zero)\b",
        r"\b(no|zero|0|none of the) (\w+ ){0,2}(samples?|examples?|rows?|records?|sequences?|data"
        r"|training data)\b",
        r"\b(no|none|not a single|not even one|nothing|0) (\w+ ){0,3}(left|remain\w*|survive\w*"
        r"|comes out|usable|valid)\b",
        r"\b(data ?set|split|train\w* set|loader|dataloader)\b[^.;]{0,20}\b(is|was|becomes?|ends? up"
        r"|turns? out|came out) (\w+ )?(empty|0|zero)\b",
        r"\bdata ?set\b[^.;]{0,30}\bempty\b",
        r"\b(zero|0|no) (\w+ )?(train\w* )?steps\b",
        r"\b(shorter|smaller) than (the |one )?(block|sequence|context|pack\w*|batch)",
        r"\bempty (data ?set|train\w*|split|eval\w* set)\b",
        r"\bnum_samples\b",
        r"\b(0|zero) (training |optimi[sz]\w+ |total )?steps\b(?! in)",
        r"\b(size|length|samples?|examples?|rows?) (is|of|=|are) (0|zero)\b",
    ),
    "tiny": (
        r"\b(small|tiny) (data ?)?set\b|\bnot (give|yield|fill|make) (a|one) (single )?(sequence|batch)",
        r"\b(examples|rows|samples) ?[=:] ?\d{1,2}\b(?![,.]?\d)",
        r"\b(only|just|merely) (about )?(\d{1,3}|a few|a handful of|ten|twenty"
        r"|dozens? of) (\w+ )?(samples?|examples?|rows?|records?|pairs|conversations?)\b",
        r"\btoo (few|small|little|short)\b[^.;]{0,30}\b(data\w*|samples?|examples?|rows?|pack\w*"
        r"|sequence)\b",
        r"\b(data ?set|set|corpus)\b[^.;]{0,20}\btoo (small|short|tiny)\b",
        r"\bnot (even )?(one|a single|enough) (\w+ )?(samples?|sequences?|examples?|rows?|data)\b",
    ),
    "packing": (r"\bpack(s|ed|ing)?\b",),
    "filter": (r"\b(filter\w*|after (loading|tokeni\w+|truncation|preprocessing|validation|cleaning))\b",),
    "hub": (
        r"\b(upload|push|publish)\w*\b[^.;]{0,50}\b(denied|refused|rejected|forbidden|rights"
        r"|permission)|\b(write|read|access) rights\b",
        r"\b(licen[cs]e|terms|conditions)\b[^.;]{0,30}\baccept\w*|\blogg(ed|ing) in\b",
        r"\b40[13]\b[^,\d]{0,20}\b(client|forbidden|unauthori|error)|\b(error|http|status|code) ?40[13]\b",
        r"\b(gated|unauthori[sz]ed|forbidden|access (has been|was|is)? ?(granted|denied|restricted)"
        r"|private repo\w*|licen[cs]e (agreement|accept\w*)|hf_token|huggingface-cli|write (permission"
        r"|access|token)|read (permission|only|token))\b",
        r"\b(push\w*|upload\w*|publish\w*)\b[^.;]{0,40}\b(hub|hugging ?face|repo\w*)\b",
        r"\b(hub|hugging ?face)\b[^.;]{0,40}\b(token|login|log ?in|permission|access|download\w*"
        r"|refus\w*|offline|reach\w*|connect\w*)\b",
        r"\bdownload\w*\b[^.;]{0,60}\b(token|permission|access|accept\w*|gated|private)\b",
    ),
    "upgrade": (
        r"\b(upgrad\w+|downgrad\w+|updat(e|ed|ing)|bump\w*|pinn?\w*)\b",
        r"\b(new(er|est)?|old(er)?|latest|recent|previous|earlier|nightly) (\w+ )?(version|release"
        r"|transformers|trl|peft|torch|accelerate|unsloth)s?\b",
        r"\b(version|release)s?\b",
        r"\b\w+ ?(>=|<=|==|<|>) ?\d+\.\d+",
        r"\b(transformers|trl|peft|accelerate|torch|unsloth|datasets) v?\d+\.\d+",
    ),
    "two_versions": (r"\b[a-z]\w+ ?=+ ?\d+\.\d+\S*.{0,60}\b[a-z]\w+ ?=+ ?\d+\.\d+",),
    "interface": (
        r"\b(renam|mov|remov|deprecat|chang)\w* (an?|the|its|this|some|several)? ?(\w+ )?(argument"
        r"|keyword|parameter|option|signature|api)s?\b",
        r"\b(unexpected|unknown|unrecogni[sz]ed) (keyword|argument|parameter)\b",
        r"\b(argument|keyword|parameter|signature|attribute|option|api)s?\b[^.;]{0,30}\b(removed"
        r"|renamed|no longer|missing|gone|moved|deprecated|accept\w*|of my script)\b",
        r"\bno longer accepts?\b",
        r"\bdeprecat\w+",
        r"\bimport(s|ing)?( error)? (fails?|breaks?|of)\b|\bimporterror\b|\bcannot import\b",
        r"\b(incompatib\w*|not compatible|do(es)? not work with|conflict\w*)\b",
    ),
    "going_back": (
        r"\b(going back|downgrad\w+|roll(ing|ed)? back|pinn?ing|previous version|older (release"
        r"|version))\b",
        r"\b(since|after) (the |an? |my )?(\w+ )?(upgrad\w+|updat\w+|bump|new version|new release)",
    ),
    "target": (
        r"\b(lora|adapter) (layers|modules|targets)\b|\blisted (layers|modules)",
        r"\btarget[_ ]?modules?\b",
        r"\blora_targets?\b",
        r"\b(module|layer|projection) names?\b",
        r"\b(c_attn|w_pack|query_key_value|wqkv|q_proj|qkv\w*|fused (qkv|attention|projection)s?)\b",
        r"\b(mlp|attention) names?\b",
    ),
    "not_found": (
        r"\b(cannot|not|never|unable to|fails? to) (be )?(locat\w+|find|found|identif\w+|detect\w*)\b",
        r"\b(not|n't|never|cannot be|could not be) (be )?(found|find|exist|matched|match|present"
        r"|attached|part of)\b",
        r"\b(none|no|only (a |some )?(part|few|some|half)|zero|nothing)\b[^.;]{0,50}\b(match\w*"
        r"|exist\w*|in the (base )?model|layer|is in)\b",
        r"\bunknown\b",
        r"\bunsupported (module|layer)",
    ),
}
"""Ways of saying it, as regular expressions over lower-case text, by idea."""
