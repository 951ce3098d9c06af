"""Rows that are not of the form that was asked for."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

_COLUMN: Final = (
    "(?:instruction|output|outputs|input|inputs|text|messages?|conversations?|prompt|completion|"
    "content|role|from|value|chosen|rejected|question|answer|response|query|context|label|labels|"
    "target|history|system|input_ids|images?|data)"
)

SAYINGS: Final = (
    Saying(
        name="text_or_target",
        category="dataset_format",
        says=lines(
            "specify either `?text`? or `?text_target",
            "text input must be of type",
            "TextEncodeInput must be Union",
            "TextInputSequence must be",
        ),
        sure=0.92,
        title="The tokenizer was given something that is no text.",
        cause="A field of the rows is None, a number or a list, or the column that was named is not there.",
        do="Look for rows with an empty or missing field (`openlora inspect DATA`), and for the "
        "name of the column.",
    ),
    Saying(
        name="roles",
        category="dataset_format",
        says=lines(
            "[Dd]ropped invalid example",
            "[Aa]bnormal example",
            "Invalid message count",
            "[Ss]kipp?(?:ed|ing) (?:this |an |)?(?:invalid|abnormal|malformed) (?:example|sample|row|"
            "conversation)",
            "[Mm]essages? must be (?:a )?(?:list|dict)",
            "[Nn]umber of messages",
            "'role' and 'content'",
            "(?:first|last) message to be from",
            "must (?:start|end|begin) with (?:a )?(?:user|assistant|human)",
            "Invalid role tag",
            "Conversation roles must alternate",
            "roles? (?:must|should) alternate",
            r"(?:unknown|unexpected|invalid|unsupported) (?:message )?role\b",
            "(?:only )?(?:user|human|assistant).{0,40}(?:must be|should be|expected).{0,20}(?:first|"
            "last|turn)",
            "Invalid message",
            "has no attribute '(?:role|content)'",
            "(?:odd|even) number of (?:messages|turns)",
            "After the optional system message",
        ),
        sure=0.85,
        title="The turns of a conversation are not as the template wants them.",
        cause="Roles have other names, two turns of one side follow each other, or a conversation "
        "begins with the assistant.",
        do="Map the roles (role_tag, user_tag …), join turns of one side, drop a leading answer. "
        "`openlora inspect` lists such rows.",
    ),
    Saying(
        name="nesting",
        category="dataset_format",
        says=lines(
            "Expected input batch_size",
            "argument .padding_value.",
            "excessive nesting",
            "Unable to create tensor, you should probably",
            "too many dimensions 'str'",
            r"expected sequence of length \d+ at dim",
            "only one element tensors can be converted",
            r"can't convert np\.ndarray of type numpy\.(?:object_|str_)",
            "inhomogeneous shape",
            "stack expects each tensor to be equal size",
        ),
        sure=0.9,
        title="Rows of a batch do not make a tensor: they are text, nested, or of different length.",
        cause="Columns that are no token ids are still there, rows were tokenised twice, or no "
        "collator pads them.",
        do="Remove the text columns after tokenising, take a collator that pads labels too, and see "
        "that one row gives one flat list of ids.",
    ),
    Saying(
        name="column_missing",
        category="dataset_format",
        says=lines(
            "Couldn't cast array of type",
            r"datasets\[?\.?\d\]?\.(?:type|path|field)",
            "not in index",
            "Missing (?:required )?(?:column|field|key)s?:",
            rf"KeyError: ['\"]{_COLUMN}['\"]",
            "KeyError: (?:None|0)$",
            "Column(?:s| name)?.{0,80}(?:not in the dataset|not found|does(?:n't| not) exist|not "
            "(?:present|exist)|missing)",
            "Current columns in the dataset",
            "No columns? in the dataset match",
            "encodings? to this method that includes? input_ids",
            "dataset.{0,60}(?:must|should) (?:have|contain|include).{0,60}(?:column|field|key|field)",
            r"(?:missing|required|expected|no) (?:column|field|key)s?\W.{0,60}(?:dataset|row|example|"
            "sample|columns|in)",
            "formatting_func",
            "(?:unhandled|unknown|unsupported|invalid).{0,20}(?:prompt tokenization strategy|"
            "data(?:set)? (?:format|type)|prompt format|dataset)",
            r"dataset_info\.json",
            "Undefined dataset",
            "(?:column names don't match|column names.{0,40}match)",
            "CastError",
            "Features? .{0,60}(?:not match|mismatch)",
        ),
        apart=lines(
            "(?:Image|Video|Audio) features",
            "state_dict",
            "checkpoint",
            "configuration_auto",
            "CONFIG_MAPPING",
            "model_type",
        ),
        sure=0.86,
        title="The rows have other columns than the trainer looks for.",
        cause="The dataset is of another form than its type says (alpaca, sharegpt, messages, "
        "prompt and completion), or a name differs in case or spelling.",
        do="Compare the columns of a row with what the type wants, and map or rename them; "
        "`openlora inspect` shows both.",
    ),
    Saying(
        name="key_missing",
        category="dataset_format",
        says=r"KeyError: ['\"][\w -]+['\"]",
        apart=lines(
            r"os\.environ",
            "configuration_auto",
            "_load_",
            "load_state",
            "state_dict",
            "lora_",
            "peft",
            "convert",
        ),
        sure=0.5,
        title="Something is looked up by a name that is not there: most often a column of the rows.",
        cause="The rows have no such column, or it is spelt otherwise, in capitals for instance.",
        do="Look whether the name is that of a column; then map or rename it.",
    ),
    Saying(
        name="none_field",
        category="dataset_format",
        says=lines(
            r"can only concatenate str \(not \"(?:NoneType|int|float|list|dict)\"\)",
            "must be str, not (?:NoneType|int|float|list)",
            r"expected str instance, \w+ found",
            "'(?:NoneType|float|int|list)' object has no attribute '(?:strip|split|replace|lower|"
            "startswith|endswith|format|encode|rstrip)'",
            "'str' object has no attribute '(?:get|keys|items|values|pop)'",
            "string indices must be integers",
            "list indices must be integers or slices, not str",
            "unhashable type: '(?:list|dict)'",
            "'NoneType' object is not (?:iterable|subscriptable)",
        ),
        sure=0.68,
        title="A row holds something else than text where text is expected.",
        cause="An empty field was read as None, a number stayed a number, or a conversation is a "
        "string where it should be a list.",
        do="Find the rows (`openlora inspect DATA` lists them with their lines), and drop or fill them.",
    ),
)
