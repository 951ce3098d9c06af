"""Data files that cannot be read, and those of which nothing is left."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
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
            "[Cc]annot find sufficient samples|increas(?:e|ing) (?:the )?dataset size",
            "Batch does not contain any data",
            "(?:No|0) (?:training )?examples",
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
