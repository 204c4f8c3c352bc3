"""The configuration of a run: typed sections, the TOML files they are read from, the recipes that ship."""

from sentiment.config.catalogue import (
    ADAPT_RECIPE,
    DEFAULT_RECIPE,
    ENOUGH_ROWS,
    SMALL_RECIPE,
    default_recipe,
    find_config,
    is_path,
    shipped_recipes,
)
from sentiment.config.evidence import EvidenceSettings
from sentiment.config.lessons import LessonSettings
from sentiment.config.model import CHANNEL_ENCODERS, ModelSettings
from sentiment.config.own_table import OwnTable
from sentiment.config.reading import machine_settings, override, parse_config, parse_run_config, read_config
from sentiment.config.section import Section
from sentiment.config.settings import (
    CONFIG_BYTES,
    BatchSettings,
    CalibrationSettings,
    Config,
    DataSettings,
    LoggingSettings,
    MachineSettings,
    PretrainingSettings,
    SelfTrainingSettings,
    StartSettings,
    TextSettings,
    TrainingSettings,
    VocabularySettings,
    key_names,
)

__all__ = [
    "ADAPT_RECIPE",
    "CHANNEL_ENCODERS",
    "CONFIG_BYTES",
    "DEFAULT_RECIPE",
    "ENOUGH_ROWS",
    "SMALL_RECIPE",
    "BatchSettings",
    "CalibrationSettings",
    "Config",
    "DataSettings",
    "EvidenceSettings",
    "LessonSettings",
    "LoggingSettings",
    "MachineSettings",
    "ModelSettings",
    "OwnTable",
    "PretrainingSettings",
    "Section",
    "SelfTrainingSettings",
    "StartSettings",
    "TextSettings",
    "TrainingSettings",
    "VocabularySettings",
    "default_recipe",
    "find_config",
    "is_path",
    "key_names",
    "machine_settings",
    "override",
    "parse_config",
    "parse_run_config",
    "read_config",
    "shipped_recipes",
]
