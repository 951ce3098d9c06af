"""What is trained on what, and under which name."""

from __future__ import annotations

from typing import Final

from engine.recipe.field import Field

FIELDS: Final = (
    Field(
        name="model",
        label="Model",
        help="A folder with a Hugging Face model, or a hub id such as Qwen/Qwen2.5-1.5B.",
        wrong=(
            "A model tuned already for chat learns a new format best; a name that is not on disk is "
            "fetched, which takes gigabytes and minutes."
        ),
        source="No default: it is the first thing to decide.",
        section="what",
        on_resume="refused",
        level="essential",
    ),
    Field(
        name="model_revision",
        label="Model revision",
        help="Branch, tag or commit of a model from the hub; main if left out. A run keeps to what it meant.",
        wrong="A branch moves on, so that two runs may begin with different weights; a commit does not.",
        source="transformers and TRL: main.",
        section="what",
        on_resume="refused",
        level="expert",
    ),
    Field(
        name="trust_remote_code",
        label="Trusted code",
        help="Lets a model's own code run: `I trust the code of NAME@DIGEST`, as a refused run says it.",
        wrong="Code that you have not read can do whatever you can.",
        source="transformers: no code of a model's own.",
        on_resume="safe",
        section="what",
        level="expert",
    ),
    Field(
        name="data",
        label="Data",
        help="Files, globs, folders or hub datasets to learn from; or {path, weight, name, split, revision}.",
        wrong=(
            "Fewer than some hundred rows are learnt by heart rather than understood. Mistakes in the rows "
            "are learnt like everything else."
        ),
        source="No default: it is what the model is to learn.",
        section="what",
        on_resume="safe",
        level="essential",
    ),
    Field(
        name="run_name",
        label="Name",
        help="What the run is called on the screens; the recipe's file name if left out.",
        wrong="Runs of one name are told apart by their number alone.",
        source="Our choice: the recipe's file name.",
        section="what",
        on_resume="safe",
    ),
    Field(
        name="output_dir",
        label="Output folder",
        help="Where the finished adapter goes; inside the run's own folder if left out.",
        wrong="A folder that cannot be written, or a disk that is full, keeps the finished adapter from it.",
        source="Our choice: runs are kept whole, each in a folder of its own.",
        section="what",
        on_resume="safe",
    ),
    Field(
        name="eval_data",
        label="Evaluation data",
        help="What to measure on and never train on. Left out, part of the training rows is held out.",
        wrong=(
            "Rows that are in the training data too make the evaluation loss look better than the model is."
        ),
        source="Our choice: held-out rows need no second file.",
        section="what",
        on_resume="changes",
    ),
    Field(
        name="eval_split",
        label="Held-out share",
        help="Share of the training rows that is held out where eval_data is left out; 0 measures nothing.",
        wrong=(
            "At 0 nothing shows that a model only learns by heart: its training loss falls all the same. "
            "A large share leaves less to learn from."
        ),
        source="Our choice; the usual range is 0.05 to 0.1.",
        section="what",
        on_resume="refused",
        low=0,
        high=0.5,
        step=0.01,
    ),
    Field(
        name="data_format",
        label="Data format",
        help="The shape of a row. `auto` goes by the column names and says what it found.",
        wrong=(
            "The wrong shape reads the wrong columns: rows are refused, or the prompt is learnt in place "
            "of the answer."
        ),
        source="Our choice: column names decide, and the run's log says what was found.",
        section="what",
        on_resume="refused",
        choices=(
            "auto",
            "text",
            "prompt_completion",
            "alpaca",
            "sharegpt",
            "messages",
            "question_answer",
            "classification",
            "preference",
            "kto",
        ),
    ),
    Field(
        name="mapping",
        label="Mapping",
        help="Makes rows of columns of any names; `openlora inspect DATA --propose` writes one.",
        wrong=(
            "A column taken for another teaches the wrong text: look at a row with `openlora inspect "
            "DATA --mapping … --row 1` first."
        ),
        source="Our choice: columns of known names need none.",
        section="what",
        on_resume="refused",
    ),
    Field(
        name="chat_template",
        label="Chat template",
        help="How turns become text: a name such as chatml, or a Jinja file; the model's own if left out.",
        wrong=(
            "A model has to learn a template that it was not made for, whose tokens it may lack; one tuned "
            "for chat forgets."
        ),
        source="The model's makers: their template comes with its tokenizer.",
        section="what",
        on_resume="refused",
    ),
    Field(
        name="bad_rows",
        label="Bad rows",
        help="A row that cannot be read or learnt from: `stop` ends the run at it, `drop` leaves it out.",
        wrong=(
            "Rows that are dropped teach nothing: look at the finding that counts them, and at rejects.jsonl "
            "in the run's folder."
        ),
        source="Our choice: nothing is left out unasked.",
        section="what",
        on_resume="safe",
        choices=("stop", "drop"),
    ),
    Field(
        name="max_length",
        label="Longest row",
        help="Tokens of a row that are kept; what goes beyond is cut, which cuts answers first.",
        wrong=(
            "Too short and answers lose their end, with the stop token: the model never learns to stop. "
            "Longer rows take memory and time."
        ),
        source="TRL's default for SFT, 1,024.",
        section="what",
        on_resume="refused",
        level="essential",
        unit="tokens",
        low=8,
        high=1_048_576,
    ),
    Field(
        name="truncation",
        label="Too long",
        help="What becomes of longer rows: cut off their end, drop them, or balance prompt and answer.",
        wrong="Cutting takes ends of answers, dropping whole rows, balancing pieces from inside of rows.",
        source="TRL cuts; Axolotl drops; LLaMA-Factory balances.",
        section="what",
        on_resume="refused",
        level="expert",
        choices=("cut", "drop", "balance"),
    ),
    Field(
        name="train_on",
        label="Learnt",
        help="What of a row is learnt: all answers, the last answer, or all of it, prompts too.",
        wrong="Learning prompts too spends the adapter on repeating questions.",
        source="LLaMA-Factory and Axolotl: the answers of all turns.",
        section="what",
        on_resume="refused",
        level="expert",
        choices=("answers", "last_answer", "all"),
    ),
    Field(
        name="tokenize_turns",
        label="Turns",
        help="Turns are tokenised together, as transformers does, or each by itself.",
        wrong="Other programs tokenise together: they may write other tokens between turns.",
        source="transformers' apply_chat_template; LLaMA-Factory tokenises apart.",
        section="what",
        on_resume="refused",
        level="expert",
        choices=("together", "apart"),
    ),
)
