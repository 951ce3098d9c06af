"""What of a row is learnt: templates, masks, and what was cut off."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="all_masked",
        category="template_or_special_tokens",
        says=lines(
            "All labels (?:in your dataset )?(?:are|were) -100",
            "all (?:the )?labels (?:are|were|will be) (?:masked|ignored)",
        ),
        sure=0.9,
        title="No token of any row is learnt: every label is masked.",
        cause="The text by which answers are found (instruction_part, response_part, a template's "
        "marks) is not what the chat template writes, or all answers lie behind max_length.",
        do="Print one row as the template writes it, and copy the marks from there; then see that "
        "answers fit in max_length.",
    ),
    Saying(
        name="most_masked",
        category="loss_zero",
        says=lines(
            "Most labels in your dataset are -100",
            "(?:losses|loss) will be (?:all )?(?:0|zero)",
            "no (?:valid |trainable )?labels? (?:tokens?|left|found)",
        ),
        apart="All labels in your dataset are -100",
        sure=0.85,
        title="Hardly any token is learnt: the loss will be zero.",
        cause="The marks by which answers are found do not stand in the rows as the template writes "
        "them, or answers are cut off by max_length.",
        do="Print one row as the template writes it and compare it with instruction_part and response_part.",
    ),
    Saying(
        name="marks_not_found",
        category="template_or_special_tokens",
        says=lines(
            "Could not find (?:the )?(?:response|instruction|assistant) (?:key|template|part)",
            "instance will be ignored in loss calculation",
            "response_template.{0,60}not (?:be )?found",
            "no assistant (?:tokens|mask|response)",
            "assistant_masks?.{0,60}(?:zero|empty|missing)",
        ),
        sure=0.9,
        title="The mark before an answer was not found in rows, so they teach nothing.",
        cause="The mark is tokenised differently inside a text than alone, is not what the template "
        "writes, or was cut off by max_length.",
        do="Give the mark as token ids as they stand in a row, or copy it from a row that the "
        "template wrote.",
    ),
    Saying(
        name="no_template",
        category="template_or_special_tokens",
        says=lines(
            "chat_template is not set",
            "does not have a chat template",
            "No chat template (?:is )?(?:set|found|defined)",
            "Cannot use (?:chat template|apply_chat_template)",
            "no template argument was passed",
            "Template .{0,60}does not exist",
            "(?:chat[_ ]template|template).{0,60}(?:not found|is (?:missing|None|required|invalid|"
            "not supported))",
            "TemplateSyntaxError",
            "System role not supported",
            "only (?:user|system).{0,40}roles? (?:is|are) supported",
            "chat template does not contain.{0,20}generation",
            "Unknown chat[_ ]template",
        ),
        sure=0.9,
        title="There is no chat template for this model, or not one for these rows.",
        cause="Base models come without one, and some templates know no system turn or no mark for answers.",
        do="Name a template that fits the model (its instruct version's), or put system text into "
        "the first turn.",
    ),
    Saying(
        name="special_token",
        category="template_or_special_tokens",
        says=lines(
            "eos_token.{0,60}(?:not found in the vocab|is not in|not (?:be )?found)",
            "<EOS_TOKEN>",
            "EOT token.{0,60}not",
            "(?:special|stop|eos|eot|bos) tokens?.{0,60}(?:not (?:found|in the)|missing|does(?:n't| "
            "not) exist)",
            "(?:starts|begins) with 2 BOS tokens",
            "double BOS",
            "(?:two|duplicate|multiple|extra) BOS",
        ),
        sure=0.82,
        title="A special token of the template is not the tokenizer's, or stands twice.",
        cause="The template and the tokenizer belong to different models, or the begin token is "
        "written by both.",
        do="Take eos_token and template from one model; write the begin token once "
        "(add_special_tokens=False where the template has it).",
    ),
    Saying(
        name="boundaries",
        category="template_or_special_tokens",
        says=lines(
            "tokenization mismatch",
            "Mismatch between tokenized prompt and the start of tokenized prompt",
            "(?:prompt|prefix).{0,60}(?:tokeniz|tokenis).{0,60}(?:mismatch|differ|not a prefix)",
        ),
        sure=0.7,
        title="Prompt and answer are not where the mask takes them to be.",
        cause="The version of the template, or tokens at the border of prompt and answer, differ "
        "from what the mask counts on; rows with a mismatch are masked whole.",
        do="Use the template (conversation version) that belongs to the model, and a version of the "
        "tokenizer that the trainer was written for.",
    ),
    Saying(
        name="media_tokens",
        category="template_or_special_tokens",
        says=lines(
            "Image (?:start|end) token",
            "[Ii]mage (?:start|end) token and",
            r"(?:Image|Video|Audio) features and \w+ tokens do(?:n't| not) match",
            "number of (?:images|videos|audios).{0,60}(?:does(?:n't| not) match|mismatch)",
            "<(?:image|video|audio)>.{0,60}(?:placeholder|token)s?.{0,60}(?:mismatch|match|not)",
        ),
        apart=lines(
            "truncat",
            "max_length",
            "max_seq",
            "cutoff",
        ),
        sure=0.6,
        title="Marks for pictures in the text and pictures given do not match.",
        cause="The template writes another mark, a row has more or fewer of them, or they were cut off.",
        do="See how the template writes a picture, and that max_length leaves room for its tokens.",
    ),
    Saying(
        name="cut_off",
        category="truncation",
        says=lines(
            "[Dd]ropped lengthy example",
            r"(?:Image|Video|Audio) features and \w+ tokens do(?:n.t| not) match: tokens: [1-9]",
            "exceeds? the (?:model's |model )?max(?:imum)? (?:sequence |context |input "
            ")?length.{0,60}truncat",
            "No tokens available to compute loss",
            "(?:Likely )?due to .?truncation",
            "(?:sentence|sequence|sample|example|row|input|prompt|record)s?.{0,80}(?:will be|was|"
            "were|has been|have been|is|are) truncated",
            r"truncat\w+.{0,60}(?:answer|response|label|target|completion)s?",
            "(?:answers?|responses?|labels?).{0,40}truncat",
            "prompt (?:is|was) (?:longer|too long)",
            "(?:input|prompt|sequence|seq_?len).{0,60}(?:should be smaller than|longer than|exceeds?|"
            "greater than|larger than).{0,30}(?:max|context|model|block|cutoff|position)",
            r"Input length of input_ids is \d+, but",
            r"maximum context length is \d+",
            r"(?:[Dd]rop|[Rr]emov|[Ss]kip|[Ff]ilter)\w* [\d,]+ (?:long|over-?long|too long)",
            "exceed(?:s|ed)? (?:the )?(?:max_(?:seq_)?length|cutoff_len|max_seq_len|sequence_len|"
            "model_max_length|max_position_embeddings)",
        ),
        apart="Unable to create tensor|padding=True",
        sure=0.85,
        title="Rows are longer than the length that they are cut at.",
        cause="What lies behind the limit is lost: most often the end of the answer, and with it "
        "the token that ends it; where the prompt alone fills the limit, nothing is learnt.",
        do="`openlora inspect DATA --model M --max-length N` counts what is lost at each length; "
        "raise the limit, split rows, or drop the longest.",
    ),
    Saying(
        name="longer_than_known",
        category="truncation",
        says=lines(
            "Token indices sequence length is longer than the specified maximum",
            "will exceed the model's predefined maximum length",
        ),
        sure=0.5,
        severity="warning",
        title="A text is longer than the length that the tokenizer knows for the model.",
        cause="The tokenizer says so before anything is cut; it does harm where nothing cuts rows "
        "afterwards, or where answers are behind the cut.",
        do="See at which length rows are cut and whether that is within the model's positions; "
        "`openlora inspect` counts what is lost.",
    ),
    Saying(
        name="response_cut_off",
        category="truncation",
        says="increas(?:e|ing) (?:the |your )?`?(?:max_(?:seq_)?length|cutoff_len|sequence_len|max_seq_len)",
        sure=0.45,
        severity="warning",
        title="The trainer itself asks for a larger length.",
        cause="What it looked for in a row may lie behind the cut.",
        do="Raise the length, or see that the text that it looks for is in the row at all.",
    ),
)
