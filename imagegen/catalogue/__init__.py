"""Models, what they can do, what they cost and how long they live: data read from the providers' files.

A provider's file ``<name>.toml`` lies beside its module and is found without importing it. A file of the same name in
the user's folder (`user_folder`) extends or overrides it. Every fact has a source and a date.
"""

from imagegen.catalogue.finding import catalogue_file, config_folder, user_folder
from imagegen.catalogue.lifecycle import retirement, status_on
from imagegen.catalogue.loading import all_models, facts_of, find_model, models_of
from imagegen.catalogue.model import (
    Capabilities,
    Elsewhere,
    Fact,
    FrameSheet,
    FreeFailure,
    Grid,
    InputTokens,
    Model,
    OutputTokens,
    Parameter,
    PriceLine,
    ProviderFacts,
    SizeRule,
    Span,
    Status,
)

__all__ = [
    "Capabilities",
    "Elsewhere",
    "Fact",
    "FrameSheet",
    "FreeFailure",
    "Grid",
    "InputTokens",
    "Model",
    "OutputTokens",
    "Parameter",
    "PriceLine",
    "ProviderFacts",
    "SizeRule",
    "Span",
    "Status",
    "all_models",
    "catalogue_file",
    "config_folder",
    "facts_of",
    "find_model",
    "models_of",
    "retirement",
    "status_on",
    "user_folder",
]
