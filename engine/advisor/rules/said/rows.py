"""Rows that cannot be read, are not of the form that was asked for, or are too few."""

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
        sure=0.85,
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
    Saying(
        name="encoding",
        category="dataset_encoding_or_parse",
        says=lines(
            "codec can'?t (?:de|en)code",
            "Unicode(?:Decode|Encode)?Error",
            "invalid (?:start|continuation) byte",
            "illegal multibyte",
            "surrogates not allowed",
            "Unexpected UTF-8 BOM",
            "not (?:valid )?utf-?8",
            "stream did not contain valid UTF-8",
            "invalid utf-?8",
        ),
        apart=lines(
            "safetensors",
            r"\.bin'",
            r"tokenizer\.model",
            r"torch\.load",
            "pickle",
        ),
        sure=0.93,
        title="The file is not in the encoding that it is read with.",
        cause="On Windows files are opened in the local code page unless told otherwise; else the "
        "file is not UTF-8.",
        do="Open it with encoding='utf-8' (or set PYTHONUTF8=1), or rewrite it as UTF-8 without a "
        "mark at its start.",
    ),
    Saying(
        name="parse",
        category="dataset_encoding_or_parse",
        says=lines(
            "All the data files must have the same columns",
            "Expected object or value",
            "line contains NUL",
            r"_csv\.Error",
            "DatasetGenerationCastError",
            "JSON ?Decode ?Error",
            "Expecting (?:value|property name|',' delimiter|':' delimiter)",
            "Extra data: line",
            "Unterminated string",
            r"Invalid (?:control character|\\\\escape)",
            "JSON parse error",
            "ArrowInvalid",
            "ArrowTypeError",
            "ArrowNotImplementedError",
            "ParserError",
            "Error tokenizing data",
            "trailing data",
            "Trailing comma",
            "Failed to (?:read|load|parse).{0,30}(?:file|JSON).{0,80}(?:error|jsonl?|csv|parquet)",
            "cannot mix (?:list|struct)",
            "tried to convert to",
            "Parquet magic bytes not found",
            "Not a gzipped file",
            r"changed from \w+ to \w+ in row",
            "straddling object",
            "Could not convert.{0,60}with type",
            "overflow with type",
            "(?:malformed|invalid|corrupt(?:ed)?|broken) (?:json|jsonl|csv|parquet|line|row|record)",
        ),
        apart=lines(
            "trainer_state",
            "adapter_config",
            r"tokenizer(?:_config)?\.json",
            "deepspeed",
            "ds_config",
            "load_from_json",
            "safetensors",
            "huggingface_hub",
            r"config\.json",
        ),
        sure=0.9,
        title="A data file cannot be parsed.",
        cause="A line is broken or cut off, a JSON array has the name of a JSON Lines file (or the "
        "other way round), or one column changes its type from row to row.",
        do="`openlora inspect FILE` names the first bad lines; mend or drop them, and give every "
        "column one type.",
    ),
    Saying(
        name="generation",
        category="dataset_encoding_or_parse",
        says=lines(
            "DatasetGenerationError",
            "error occurred while generating the dataset",
        ),
        sure=0.6,
        title="The data files could not be made a dataset.",
        cause="A row that cannot be parsed, or whose columns or types differ from those before it; "
        "the first exception of the chain says which.",
        do="`openlora inspect FILE` names such rows.",
    ),
    Saying(
        name="nothing_left",
        category="empty_or_tiny_dataset",
        says=lines(
            "[Pp]lease input the training dataset",
            "(?:dataset|split|data) (?:contains?|has|with) (?:0|no|zero) (?:samples|rows|examples|data)",
            r"num_rows: 0\b",
            r"train(?:ing)? steps.{0,20}\b0\b",
            r"\b0 training steps",
            "(?:dataset|data) is empty",
            "num_samples should be a positive integer",
            "Cannot find valid samples",
            r"(?<![\d.,])(?:no|not (?:a )?single|0|zero) (?:valid |training |train )?(?:samples?|"
            r"examples?|rows?|records?)\b.{0,30}(?:found|left|remain|in your|after|to train|were|"
            r"loaded|available|in the|\.|$)",
            "enough samples to at least yield one packed",
            "corresponds to no data",
            "resulting train set will be empty",
            "out of bounds for size 0",
            "(?:arg|iterable argument|sequence) is (?:an )?empty",
            r"(?:dataset|data ?loader|train_dataset|training set|split|data)\W{0,3}(?:is|was|seems|"
            r"appears to be|has|became|turned out)\W{1,3}(?:empty|too (?:small|short)|zero|no (?:data|"
            "rows|examples|samples|length)|length 0)",
            "[Ee]mpty (?:train(?:ing)? )?(?:dataset|data|split|DataLoader)",
            "EmptyDataset",
            r"must have at least \w+=?\d* examples",
            r"but only has \d+\b",
            "(?:dataset|data) (?:too small|not large enough|is not enough)",
            r"(?:Num examples|num_rows|number of (?:training )?(?:samples|examples))\W{1,4}0\b",
            "(?:insufficient|not enough) (?:data|samples|rows|examples)",
            "Generating train split: 0 examples",
            "smaller than (?:the )?(?:batch|block)",
            "all (?:samples|rows|examples) (?:were|have been|are) (?:filtered|dropped|removed|skipped)",
            "max_steps.{0,20}(?:must|has to) be",
            r"total_num_steps\W+0\b",
        ),
        sure=0.9,
        title="No row is left to train on, or too few.",
        cause="Rows were filtered as too long or of the wrong form, the split or the path is "
        "another one, or there is less text than one packed sequence or one batch.",
        do="Count the rows after each stage (load, validate, cut, pack); turn packing off or lower "
        "the length for little data.",
    ),
    Saying(
        name="no_steps",
        category="empty_or_tiny_dataset",
        says=lines(
            "ZeroDivisionError: (?:integer |float )?(?:division|modulo)",
            "(?:float|division) by zero",
        ),
        apart=lines(
            "-100",
            "labels",
        ),
        sure=0.55,
        title="A count that is divided by is zero: most often the rows or steps of an epoch.",
        cause="A dataset with fewer rows than one batch of all devices gives no step.",
        do="See how many rows are left and how many an optimizer step takes; lower batch and accumulation.",
    ),
    Saying(
        name="files_not_found",
        category="dataset_format",
        says=lines(
            "Couldn't (?:infer the same data file format|find (?:any data file|a dataset script))",
            "doesn't contain any data files",
            r"Unable to find '[^\n]*(?:json|csv|parquet|txt)",
            "Unsupported data format",
            "(?:dataset|data|train(?:ing)?).{0,20} (?:file|path).{0,60}(?:does(?:n't| not) exist|not found)",
            r"No such file or directory: '[^'\n]*\.(?:jsonl?|csv|parquet|arrow)'",
        ),
        apart=lines(
            "adapter_config",
            "trainer_state",
            r"config\.json'",
            "tokenizer",
            r"index\.json",
            "checkpoint",
        ),
        sure=0.65,
        title="The data is not where it was looked for, or of a kind that is not read.",
        cause="A path is taken from where the trainer was started, or a folder holds files of several kinds.",
        do="Give an absolute path to one kind of file.",
    ),
)
