"""Orthanc's configuration with its section "Inference" and the environment in, validated settings out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from orthanc_plugin.deliver.profile import USUAL, Profile
from orthanc_plugin.deliver.profile import profile as find_profile
from orthanc_plugin.errors import ConfigurationError
from orthanc_plugin.people import credentials

PROJECT = Path(__file__).resolve().parents[1]
SECTION = "Inference"
ENVIRONMENT = {
    "INFERENCE_DATA": "StateFolder",
    "INFERENCE_DATABASE_URL": "DatabaseUrl",
    "INFERENCE_DEVICE": "Device",
    "INFERENCE_ORTHANC_URL": "OrthancUrl",
}
SECRET_KEYS = frozenset({"DatabaseUrl"})


def key(name: str) -> str:
    """The key in the configuration, in Orthanc's manner: quiet_least_s is QuietLeastSeconds."""
    return to_pascal(re.sub(r"_mb$", "_megabytes", re.sub(r"_s$", "_seconds", name)))


def in_project(folder: Path) -> Path:
    return folder if folder.is_absolute() else PROJECT / folder


def seconds(least: float, most: float) -> Any:
    return Field(ge=least, le=most, description=f"a number of seconds from {least:g} to {most:g}")


def whole(least: int, most: int) -> Any:
    return Field(ge=least, le=most, description=f"a whole number from {least} to {most}")


Folder = Annotated[Path, AfterValidator(in_project), Field(description="the path of a folder")]


class Settings(BaseModel):
    """Each description says what is allowed, as the refusal does. Relative folders start at the project's root."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=key,
        validate_by_name=True,
        validate_by_alias=True,
    )

    state_folder: Folder = PROJECT / "state"
    models_folder: Folder = PROJECT / "onnx_models"
    database_url: Annotated[
        str,
        Field(
            default_factory=lambda known: f"sqlite:///{known['state_folder']}/ledger.db",
            pattern=r"^(sqlite:///|postgresql://)[^\s]",
            description='a URL that starts with "sqlite:///" or "postgresql://"',
            repr=False,
        ),
    ]
    device: Annotated[
        str,
        Field(
            pattern=r"^(auto|(cpu|openvino|cuda(:[0-9]+)?)(,(cpu|openvino|cuda(:[0-9]+)?))*)$",
            description='"auto", "cpu", "openvino", "cuda", "cuda:" with a number, or several with commas between',
        ),
    ] = "auto"
    orthanc_url: Annotated[
        str,
        Field(pattern=r"^https?://[^\s/@]+$", description='a URL without a path, such as "http://127.0.0.1:8042"'),
    ] = "http://127.0.0.1:8042"
    quiet_least_s: Annotated[float, seconds(0.05, 60)] = 0.4
    quiet_most_s: Annotated[float, seconds(0.05, 3600)] = 60
    ask_senders: Annotated[bool, Field(description="true or false")] = True
    priors_from: Annotated[str, Field(description='the name of one of "DicomModalities", or "" for none')] = ""
    priors_wait_s: Annotated[float, seconds(1, 3600)] = 120
    reconcile_every_s: Annotated[float, seconds(1, 86400)] = 60
    lease_s: Annotated[float, seconds(0.5, 3600)] = 15
    attempts_most: Annotated[int, whole(1, 100)] = 5
    jobs_at_once: Annotated[int, whole(1, 64)] = 2
    threads: Annotated[int, whole(0, 1024)] = 0
    host_memory_mb: Annotated[int, whole(0, 1 << 24)] = 0
    device_memory_mb: Annotated[int, whole(0, 1 << 24)] = 0
    keep_ended_jobs_days: Annotated[int, whole(1, 36500)] = 90
    profile: Annotated[str, Field(description="the name of a destination profile")] = USUAL
    profiles: Annotated[
        dict[str, Profile],
        Field(default_factory=dict, description="destination profiles by name, each a section {…}"),
    ]
    keep_versions: Annotated[int, whole(1, 10000)] = 5

    @model_validator(mode="after")
    def quiet_times_in_order(self) -> Settings:
        if self.quiet_least_s > self.quiet_most_s:
            raise ValueError(
                f'"Inference.QuietLeastSeconds" is {self.quiet_least_s:g}; '
                f'allowed is at most the value of "Inference.QuietMostSeconds", {self.quiet_most_s:g}.'
            )
        return self

    @model_validator(mode="after")
    def known_profile(self) -> Settings:
        try:
            find_profile(self.profile, self.profiles)
        except ConfigurationError as error:
            raise ValueError(f'"Inference.Profile" is "{self.profile}". {error.sentence}') from error
        return self

    @property
    def local_profile(self) -> Profile:
        """What the archive beside the node takes."""
        return find_profile(self.profile, self.profiles)

    def section(self) -> str:
        """The JSON of the section, for the processes that the plugin starts."""
        return self.model_dump_json(by_alias=True)

    def authorization(self, environment: Mapping[str, str] = os.environ) -> str:
        """The header Authorization for Orthanc: the token of this start, or by hand the administrator's password."""
        return environment.get("INFERENCE_ORTHANC_AUTHORIZATION") or credentials.read(self.state_folder).basic


def from_orthanc(configuration: str, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in the whole configuration of Orthanc; ConfigurationError names key, value and what is allowed."""
    whole_configuration = parsed(configuration)
    section = whole_configuration.get(SECTION, {})
    if not isinstance(section, dict):
        raise ConfigurationError(f'"{SECTION}" is {json.dumps(section)}; allowed is a section {{…}}.')
    scheme = "https" if whole_configuration.get("SslEnabled") else "http"
    here = f"{scheme}://127.0.0.1:{whole_configuration.get('HttpPort', 8042)}"
    return validated({"OrthancUrl": here} | section, environment)


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """For the node's own processes: what the plugin hands them or, started by hand, what orthanc.json says."""
    if "INFERENCE_SETTINGS" in environment:
        return validated(parsed(environment["INFERENCE_SETTINGS"]), environment)
    path = Path(environment.get("INFERENCE_CONFIG", PROJECT / "orthanc.json"))
    try:
        written = path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The configuration {path} can't be read: {error.strerror}; name another one in INFERENCE_CONFIG."
        ) from error
    return from_orthanc(substituted(written, environment), environment)


def substituted(configuration: str, environment: Mapping[str, str]) -> str:
    """As Orthanc reads its configuration: ${NAME} and ${NAME:-default} from the environment, comments left out."""

    def value(match: re.Match[str]) -> str:
        return environment.get(match["name"], match["default"] or "")

    filled = re.sub(r"\$\{(?P<name>\w+)(:-(?P<default>[^}]*))?\}", value, configuration)
    return re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", filled, flags=re.DOTALL)


def parsed(configuration: str) -> dict[str, Any]:
    try:
        entries = json.loads(configuration)
    except ValueError as error:
        raise ConfigurationError(f"The configuration is not JSON: {error}; correct orthanc.json.") from error
    if not isinstance(entries, dict):
        raise ConfigurationError("The configuration is not a JSON object; correct orthanc.json.")
    return entries


def validated(section: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The environment wins over the section, so that nodes can share one orthanc.json; its paths start at the cwd."""
    named = {variable: environment[variable] for variable in ENVIRONMENT if environment.get(variable)}
    if "INFERENCE_DATA" in named:
        named["INFERENCE_DATA"] = str(Path(named["INFERENCE_DATA"]).absolute())
    values = dict(section) | {ENVIRONMENT[variable]: value for variable, value in named.items()}
    try:
        return Settings.model_validate_json(json.dumps(values), by_alias=True, by_name=False)
    except ValidationError as error:
        sources = {ENVIRONMENT[variable]: variable for variable in named}
        raise ConfigurationError(sentence(error, values, sources)) from None


def sentence(error: ValidationError, values: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    first = error.errors()[0]
    if not first["loc"]:
        return str(first["ctx"]["error"])
    wrong = str(first["loc"][0])
    fields = {key(name): field for name, field in Settings.model_fields.items()}
    if wrong not in fields:
        return f'"{SECTION}.{wrong}" is not a key of the node; allowed are {", ".join(sorted(fields))}.'
    value = "not shown here" if wrong in SECRET_KEYS else json.dumps(values.get(wrong))
    name = sources.get(wrong, f'"{SECTION}.{wrong}"')
    return f"{name} is {value}; allowed is {fields[wrong].description}."
