"""What the hub does not give."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="gated",
        category="hub_auth_or_gated",
        says=lines(
            "gated repo",
            "GatedRepoError",
            "awaiting a review",
            "is restricted",
            "have access to (?:it|model|this).{0,60}(?:log ?in|authorized|request)",
            "not in the authorized list",
            "ask for access",
            r"\b(?:401|403)\b.{0,40}(?:Client Error|Forbidden|Unauthorized)",
            "Unauthorized for url",
            "Forbidden for url",
            "Invalid (?:credentials|user token|username or password)",
            "Token is required",
            "no token found",
            "token.{0,30}(?:is )?(?:invalid|expired)",
            "You don't have the rights",
            "need to (?:be )?(?:log|authenticat)",
            "must be (?:logged in|authenticated)",
            "LocalTokenNotFound",
            "huggingface-cli login",
            "hf auth login",
            "HF_TOKEN",
            "use_auth_token",
        ),
        apart="unexpected keyword",
        sure=0.93,
        title="The hub does not hand this out to you.",
        cause="The terms of the model are not accepted, the token is missing, expired or may not "
        "read gated models, or it is not the one that this process sees.",
        do="Accept the terms on the model's page with the account of the token, log in with `hf "
        "auth login`, and see that HF_TOKEN in this process is that token.",
    ),
    Saying(
        name="unreachable",
        category="hub_auth_or_gated",
        says=lines(
            "We couldn't connect to",
            "couldn't reach",
            "LocalEntryNotFoundError",
            "OfflineModeIsEnabled",
            "outgoing traffic has been disabled",
            "Max retries exceeded",
            "MaxRetryError",
            "NameResolutionError",
            "Temporary failure in name resolution",
            "(?:SSL|Connection|Proxy|Connect|ReadTimeout|ConnectTimeout)(?:Error)?.{0,120}(?:huggingf"
            r"ace|hf\.co|hf-mirror|modelscope)",
            r"\b429\b.{0,30}(?:Client|Too Many)",
            r"5\d\d Server Error",
            "CERTIFICATE_VERIFY_FAILED",
            "Consistency check failed",
            "IncompleteRead",
            "Cannot find the requested files in the (?:local|disk) cache",
        ),
        sure=0.85,
        title="The hub cannot be reached, or broke off.",
        cause="There is no way out, a proxy or a certificate is in between, or the hub limits how "
        "often it is asked.",
        do="Fetch the model where there is a network and name its folder; or set HF_ENDPOINT, "
        "proxies and certificates.",
    ),
    Saying(
        name="not_there",
        category="hub_auth_or_gated",
        says=lines(
            "Repository ?Not ?Found",
            "is not a local folder and is not a valid model identifier",
            r"\b404\b.{0,30}(?:Client Error|Not Found)",
            "EntryNotFoundError",
            "RevisionNotFoundError",
            "Repo id must (?:be in the form|use alphanumeric)",
            "HFValidationError",
            "(?:Dataset|Model|Repo).{0,60}doesn't exist on the Hub",
            "DatasetNotFoundError",
            "cannot be accessed",
            "Can't load (?:tokenizer|the configuration|the model|config|image processor|feature extractor)",
            "Incorrect path_or_model_id",
            "is not the path to a directory containing",
        ),
        sure=0.8,
        title="The hub knows nothing of this name, and there is no such folder.",
        cause="A name is misspelt, a path is relative to another folder, or the repository is "
        "private and the token missing.",
        do="Check the spelling and that the folder has config.json; log in for private repositories.",
    ),
    Saying(
        name="file_missing",
        category="hub_auth_or_gated",
        says=lines(
            "does not appear to have a file named",
            "no file named .{0,120}found in (?:directory )?",
        ),
        apart="checkpoint",
        sure=0.55,
        title="The model's folder or repository lacks a file.",
        cause="The download is not whole, the path is the one of an adapter or a checkpoint, or the "
        "format is another.",
        do="Get the files again; name an adapter as adapter and its base as model.",
    ),
    Saying(
        name="tracker_login",
        category="hub_auth_or_gated",
        says=lines(
            "api_key not configured",
            r"wandb\.errors",
            "(?:wandb|mlflow|comet|swanlab).{0,60}(?:api[ _]key|Unauthorized|permission denied)",
        ),
        sure=0.55,
        title="The tracker of runs wants a login.",
        cause="report_to is set to all by default, so an installed tracker is asked.",
        do="Set report_to to none, or log in.",
    ),
)
