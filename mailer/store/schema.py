"""Which tables make up the whole store?

The tables of the town stand in `models`; those of a subject of their own stand in a module of their own beside it.
"""

from mailer.store import (
    alarm_models,
    announcing_models,
    bounce_models,
    flush_models,
    lease_models,
    models,
    received_report_models,
    retention_models,
    session_models,
    single_models,
    stop_models,
    suspension_models,
    tls_models,
    tls_report_models,
    wave_models,
)

TABLES: tuple[type[models.Table], ...] = (
    *models.TABLES,
    *announcing_models.TABLES,
    lease_models.Worker,
    lease_models.SiteShare,
    lease_models.SiteMemory,
    *stop_models.TABLES,
    *session_models.TABLES,
    *alarm_models.TABLES,
    wave_models.ReceiverLot,
    flush_models.Flush,
    bounce_models.BounceEvent,
    suspension_models.Setback,
    *tls_models.TABLES,
    *tls_report_models.TABLES,
    *received_report_models.TABLES,
    *single_models.TABLES,
    *retention_models.TABLES,
)
