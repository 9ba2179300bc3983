"""Settings of the service: environment variables with the prefix `GENRELAB_`, or arguments."""

import json
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from models.paths import data_dir


class Settings(BaseSettings):
    """What an operator can set; every default suits one person on one laptop."""

    model_config = SettingsConfigDict(env_prefix="GENRELAB_", extra="ignore", frozen=True)

    data_dir: Path = Field(default_factory=data_dir, description="folder of database, uploads, cache and models")
    host: str = Field("127.0.0.1", description="address to listen on; anything but loopback needs tokens")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on")
    workers: int = Field(1, ge=1, le=64, description="web processes; each holds a model of its own")
    threads: int = Field(16, ge=1, le=256, description="requests that one web process answers at a time")
    prefix: str = Field("", pattern=r"^(/[\w.~-]+)*$", description="sub-path behind a proxy, such as /genrelab")
    proxy_hops: int = Field(0, ge=0, le=8, description="trusted reverse proxies in front")
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="host names that the page answers to, besides loopback, with commas between them"
    )
    database_url: str = Field("", description="SQLAlchemy URL; SQLite in the data folder when empty")
    blob_url: str = Field("", description="fsspec URL for uploads; the data folder when empty")
    queue_url: str = Field("", description="redis:// URL for jobs; SQLite in the data folder when empty")
    cache_max_mb: int = Field(2048, ge=0, description="limit of the feature cache")
    max_upload_mb: int = Field(512, ge=1, description="largest upload")
    max_duration_s: float = Field(4 * 3600.0, gt=0, description="longest recording")
    sync_max_duration_s: float = Field(600.0, ge=0, description="longer recordings are answered by a job")
    decode_workers: int = Field(2, ge=1, le=64, description="separate processes that decode and analyse uploads")
    decode_memory_mb: int = Field(1500, ge=768, description="memory limit of one such process")
    decode_timeout_s: float = Field(600.0, gt=0, description="time limit of one recording in such a process")
    clip_max_duration_s: float = Field(300.0, ge=1, le=300, description="longest clip that is made")
    clip_max_takes: int = Field(8, ge=1, le=16, description="most takes of one clip")
    clip_max_waiting: int = Field(32, ge=1, description="most clips that wait to be made")
    clip_days: int = Field(30, ge=0, description="days after which clips are deleted; 0 keeps them for ever")
    rate_limit: str = Field("600/minute", description="requests of one client")
    upload_rate_limit: str = Field("60/minute", description="uploads, and clips asked for, of one client")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("trusted_hosts", mode="before")
    @classmethod
    def _between_commas(cls, hosts: Any) -> Any:
        if not isinstance(hosts, str):
            return hosts
        if hosts.lstrip().startswith(("[", "{")):
            return json.loads(hosts)
        return tuple(host.strip() for host in hosts.split(",") if host.strip())

    @field_validator("rate_limit", "upload_rate_limit")
    @classmethod
    def _is_a_rate(cls, rate: str) -> str:
        from limits import parse_many

        parse_many(rate)
        return rate

    @cached_property
    def resolved_database_url(self) -> str:
        """The database that is used."""
        return self.database_url or f"sqlite:///{self.data_dir / 'genrelab.db'}"

    @cached_property
    def resolved_blob_url(self) -> str:
        """The blob store that is used."""
        return self.blob_url or f"file://{self.data_dir / 'blobs'}"
